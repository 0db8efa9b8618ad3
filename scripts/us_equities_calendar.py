#!/usr/bin/env python3
"""Writes calendars/us-equities.cal: us_equities_calendar.py > calendars/us-equities.cal.

Sources: the holidays and hours of NYSE Rule 7.2 and the yearly notices at https://www.nyse.com/markets/hours-calendars
(Juneteenth since 2022), and for single days the exchange's notices of the time, as listed in SPECIAL below. The Nasdaq
keeps the same days. Pauses within a session (silences, halts, outages of one market) leave the session as it is: bars
of such minutes are simply empty.
"""
import datetime

FIRST, LAST = 1998, 2030
OPEN, CLOSE, EARLY = "09:30", "16:00", "13:00"
MON, THU, FRI, SAT, SUN = 0, 3, 4, 5, 6

HEADER = f"""\
# calendars/us-equities.cal - when US equities trade. Written by scripts/us_equities_calendar.py, which names its
# sources; the form is told in docs/calendars.md. Times are New York's.
zone America/New_York
days mon tue wed thu fri
regular {OPEN} {CLOSE}
years {FIRST} {LAST}
"""

SPECIAL = {  # (open, close) or None: closed
    "1999-12-31": (OPEN, EARLY, "the last day before 2000"),
    "2001-09-11": (None, None, "the attacks of September 11"),
    "2001-09-12": (None, None, "the attacks of September 11"),
    "2001-09-13": (None, None, "the attacks of September 11"),
    "2001-09-14": (None, None, "the attacks of September 11"),
    "2002-09-11": ("12:00", CLOSE, "opened at noon, a year after the attacks"),
    "2003-12-26": (OPEN, EARLY, "the day after Christmas"),
    "2004-06-11": (None, None, "mourning for President Reagan"),
    "2007-01-02": (None, None, "mourning for President Ford"),
    "2012-10-29": (None, None, "hurricane Sandy"),
    "2012-10-30": (None, None, "hurricane Sandy"),
    "2018-12-05": (None, None, "mourning for President George H. W. Bush"),
    "2025-01-09": (None, None, "mourning for President Carter"),
}


def nth(year, month, weekday, n):
    """The n-th such weekday of a month; n = -1: the last."""
    if n < 0:
        day = datetime.date(year, month + 1, 1) - datetime.timedelta(1)
        return day - datetime.timedelta((day.weekday() - weekday) % 7)
    day = datetime.date(year, month, 1)
    return day + datetime.timedelta((weekday - day.weekday()) % 7 + 7 * (n - 1))


def easter(year):
    """Easter Sunday of the Gregorian calendar, from the moon's age as Meeus gives it."""
    a, (b, c) = year % 19, divmod(year, 100)
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    rest = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * rest) // 451
    month, day = divmod(h + rest - 7 * m + 114, 31)
    return datetime.date(year, month, day + 1)


def observed(day):
    """A holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday behind it."""
    return day + datetime.timedelta({SAT: -1, SUN: 1}.get(day.weekday(), 0))


def holidays(year):
    new_year = datetime.date(year, 1, 1)
    if new_year.weekday() != SAT:  # the year's last day is a trading day
        yield observed(new_year), "New Year's Day"
    yield nth(year, 1, MON, 3), "Martin Luther King Jr. Day"
    yield nth(year, 2, MON, 3), "Washington's Birthday"
    yield easter(year) - datetime.timedelta(2), "Good Friday"
    yield nth(year, 5, MON, -1), "Memorial Day"
    if year >= 2022:
        yield observed(datetime.date(year, 6, 19)), "Juneteenth"
    yield observed(datetime.date(year, 7, 4)), "Independence Day"
    yield nth(year, 9, MON, 1), "Labor Day"
    yield nth(year, 11, THU, 4), "Thanksgiving Day"
    yield observed(datetime.date(year, 12, 25)), "Christmas Day"


def early_closes(year):
    fourth = datetime.date(year, 7, 4)
    if fourth.weekday() == THU and year < 2013:
        yield datetime.date(year, 7, 5), "the day after Independence Day"
    elif fourth.weekday() in range(1, 5):
        yield datetime.date(year, 7, 3), "the day before Independence Day"
    yield nth(year, 11, THU, 4) + datetime.timedelta(1), "the day after Thanksgiving"
    if datetime.date(year, 12, 24).weekday() <= THU:
        yield datetime.date(year, 12, 24), "the day before Christmas"


def rows():
    for year in range(FIRST, LAST + 1):
        yield from ((str(day), None, None, why) for day, why in holidays(year))
        yield from ((str(day), OPEN, EARLY, why) for day, why in early_closes(year))
    yield from ((day, *rest) for day, rest in SPECIAL.items())


print(HEADER, end="")
for day, opens, closes, why in sorted(rows()):
    print(f"closed  {day}              # {why}" if opens is None else f"session {day} {opens} {closes}  # {why}")
