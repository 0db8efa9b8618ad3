"""US equities' sessions as the program reads them against those of the package exchange_calendars, over all years of the
committed file; and the file against what its generator writes."""
import datetime
import os
import pathlib
import subprocess
import sys
import warnings

import exchange_calendars

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "calendars/us-equities.cal"
FIRST, LAST = datetime.date(1998, 1, 1), datetime.date(2030, 12, 31)
EPOCH = datetime.date(1970, 1, 1)
SESSIONS_MIN = 8200
# Markets opened at noon; the package has the day as a whole one.
OURS_ALONE = {(datetime.datetime(2002, 9, 11, 16, tzinfo=datetime.timezone.utc),
               datetime.datetime(2002, 9, 11, 20, tzinfo=datetime.timezone.utc))}


def ours():
    days = (LAST - FIRST).days + 1
    out = subprocess.run([os.environ["CALENDAR_DUMP"], FILE, str((FIRST - EPOCH).days), str(days)], check=True,
                         capture_output=True, text=True).stdout
    utc = datetime.timezone.utc
    return {tuple(datetime.datetime.fromtimestamp(int(ns) / 1e9, utc) for ns in line.split())
            for line in out.splitlines()}


def theirs():
    warnings.simplefilter("ignore")
    schedule = exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat(), end=LAST.isoformat()).schedule
    return {(row.open.to_pydatetime(), row.close.to_pydatetime()) for row in schedule.itertuples()}


written = subprocess.run([sys.executable, ROOT / "scripts/us_equities_calendar.py"], check=True, capture_output=True)
assert written.stdout == FILE.read_bytes(), f"{FILE.name} is not what scripts/us_equities_calendar.py writes"
a, b = ours(), theirs()
days = {start.date() for start, _ in OURS_ALONE}
assert a - b == OURS_ALONE, f"ours alone: {sorted(a - b)[:5]}"
assert {start.date() for start, _ in b - a} == days, f"theirs alone: {sorted(b - a)[:5]}"
assert len(a) >= SESSIONS_MIN, f"only {len(a)} sessions"
print(f"{len(a)} sessions compared, {len(OURS_ALONE)} known to differ")
