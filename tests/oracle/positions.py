#!/usr/bin/env python3
"""What strategies want, are filled at and are thrown out by equals a plain loop over the originals: every target, every
fill, and every stop, trail, target, cooldown and limit on the way, what conditions see of the position, and when it
is flat, as docs/language.md states them.

The tape has one partition and nothing but trades, so that its records and its Times follow from the files alone. Beside
two recordings a market of our own is run, whose prices wander far and whose silences are long. All numbers are integers:
prices in 10^-9, sizes in 10^-8.
"""
import collections
import datetime
import decimal
import gzip
import heapq
import itertools
import random
import sys
import zipfile

import originals

S = 10**9
ONE = 10**9  # of prices and factors
LATENESS = MAX_DELAY = S
DAY_MS = 86_400_000
# Fewer of them in a market mean that the comparison itself is broken: signals of conditions, fills, then what left.
AT_LEAST = {"bundled Lean": (11_500, 17_000, 1_900, 500, 2_500, 1_500), "bundled Binance": (150, 220, 40, 5, 10, 5),
            "wandering": (11_000, 18_000, 3_500, 130, 3_500, 500)}

STRATEGIES = """\
strategy percent on bars(1s)
  buy  when close > close[1]
  sell when close < close[1] and close[1] < close[2]
  stop 0.02%
  target 2R
  trail 0.02% from 1R
  cooldown 5s after stop
  cooldown 3s after target
  at most 60 per 10m

strategy distances on bars(10s)
  reach = max(high, 5) - min(low, 5)
  buy   qty 2 when close > max(high, 10)[1]
  short qty 3 when close < min(low, 10)[1]
  target 0.1%
  stop 2 * reach
  trail reach from 0.5R
  stop 3 * reach
  cooldown 20s
  at most 15 per session
  fill next after 250ms

strategy opens on bars(2s)
  buy   qty 0.25 when close > max(high, 3)[1]
  short qty 0.5  when close < min(low, 3)[1]
  cover when close > high[1]
  stop when trades > 20
  target when close == high and high == high[1]
  target 0.06%
  cooldown 16s after exit
  fill open after 100ms

strategy levels on bars(5s)
  lo = min(low, 5)[1]
  buy when close > close[1]
  stop at lo
  trail at min(low, 2) from 1R
  target at lo * 1.002
  target 3R
  at most 100 per session
  at most 1 per 7s

strategy aging on bars(2s)
  buy   when close > close[1]
  short when close < close[1] and position == 0
  exit when held > 20s and close < entry.price
  exit when entry.bars >= 6 and position < 0
  stop 0.1%
  flat at if position == 0 then time + 1h else entry.time + 25s
"""


def highest(bars, n, back=0):
    return max(bar.high for bar in bars[-n - back:len(bars) - back]) if len(bars) >= n + back else None


def lowest(bars, n, back=0):
    return min(bar.low for bar in bars[-n - back:len(bars) - back]) if len(bars) >= n + back else None


def before(bars, field, back=1):
    return getattr(bars[-1 - back], field) if len(bars) > back else None


def above(a, b):
    return a is not None and b is not None and a > b


def percent_acts(bars, _):
    close, one, two = bars[-1].close, before(bars, "close"), before(bars, "close", 2)
    yield "buy", 10**8, "", above(close, one)
    yield "sell", 0, "", above(one, close) and above(two, one)


def distances_acts(bars, _):
    yield "buy", 2 * 10**8, "", above(bars[-1].close, highest(bars, 10, 1))
    yield "short", 3 * 10**8, "", above(lowest(bars, 10, 1), bars[-1].close)


def opens_acts(bars, _):
    bar = bars[-1]
    yield "buy", 25 * 10**6, "", above(bar.close, highest(bars, 3, 1))
    yield "short", 5 * 10**7, "", above(lowest(bars, 3, 1), bar.close)
    yield "cover", 0, "", above(bar.close, before(bars, "high"))
    yield "exit", 0, "stop", bar.trades > 20
    yield "exit", 0, "target", bar.close == bar.high == before(bars, "high")


def levels_acts(bars, _):
    yield "buy", 10**8, "", above(bars[-1].close, before(bars, "close"))


def aging_acts(bars, position):
    close, one = bars[-1].close, before(bars, "close")
    yield "buy", 10**8, "", above(close, one)
    yield "short", 10**8, "", above(one, close) and position.held == 0
    old = position.held != 0 and bars[-1].end_ns - position.entry_ns > 20 * S
    yield "exit", 0, "", old and close < position.entry
    yield "exit", 0, "", position.held < 0 and position.seen - position.entry_seen >= 6
    yield "exit", 0, "flat", bars[-1].end_ns >= position.flat_ns


def aging_flat(bar, position):
    return bar.end_ns + 3600 * S if position.held == 0 else position.entry_ns + 25 * S


def reaches(n):
    return lambda bars: n * (highest(bars, 5) - lowest(bars, 5)) if len(bars) >= 5 else None


def low_before(bars):
    return lowest(bars, 5, 1)


def low_raised(bars):
    low = lowest(bars, 5, 1)
    return None if low is None else times(low, 1_002_000_000)


def low_of_two(bars):
    return lowest(bars, 2)


# (kind, how, how far, from R): "%" of the entry, "R" of the risk, "by" a distance of bars, "at" a price of them
Rules = collections.namedtuple("Rules", "width acts exits cooldown cooldowns most most_per fill after flat",
                               defaults=[None])
RULES = {
    "percent": Rules(S, percent_acts,
                     [("stop", "%", 200_000, 0), ("target", "R", 2 * ONE, 0), ("trail", "%", 200_000, ONE)],
                     0, {"stop": 5 * S, "target": 3 * S}, (None, 60), 600 * S, "next", 0),
    "distances": Rules(10 * S, distances_acts,
                       [("target", "%", 1_000_000, 0), ("stop", "by", reaches(2), 0), ("trail", "by", reaches(1), ONE // 2),
                        ("stop", "by", reaches(3), 0)],
                       20 * S, {}, (15, None), 0, "next", 250_000_000),
    "opens": Rules(2 * S, opens_acts, [("target", "%", 600_000, 0)],
                   0, {"exit": 16 * S}, (None, None), 0, "open", 100_000_000),
    "levels": Rules(5 * S, levels_acts,
                    [("stop", "at", low_before, 0), ("trail", "at", low_of_two, ONE), ("target", "at", low_raised, 0),
                     ("target", "R", 3 * ONE, 0)],
                    0, {}, (100, 1), 7 * S, "next", 0),
    "aging": Rules(2 * S, aging_acts, [("stop", "%", 1_000_000, 0)], 0, {}, (None, None), 0, "next", 0, aging_flat),
}
FIRST_TO_LAST = ("stop", "trail", "target")
KINDS = (*FIRST_TO_LAST, "flat")


def times(price, factor):
    """Half to even, as decimals of nine places are."""
    whole, part = divmod(price * factor, ONE)
    return whole + (2 * part > ONE or (2 * part == ONE and whole % 2 == 1))


class Bar:
    def __init__(self, end_ns):
        self.end_ns, self.trades, self.last, self.high, self.low, self.close = end_ns, 0, (-1, -1), 0, 10**30, 0

    def add(self, trade, price):
        self.trades += 1
        self.high, self.low = max(self.high, price), min(self.low, price)
        if (trade.event_ns, trade.order) >= self.last:
            self.last, self.close = (trade.event_ns, trade.order), price


class Position:
    """Of one strategy in one instrument."""

    def __init__(self, name, instrument, format, told):
        self.name, self.instrument, self.format, self.told = name, instrument, format, told
        self.rules, self.bars = RULES[name], []
        self.target = self.held = self.entry = self.best = self.risk = 0
        self.order = None  # what was told, when, and by which record
        self.last, self.left = {"bar": (0, 0), "trade": (0, 0)}, None  # time and number of the last by each
        self.entries = collections.Counter()
        self.levels, self.awake = [], []
        self.seen = self.entry_seen = self.entry_ns = 0
        self.flat_ns = None

    # ---- what is wanted ----

    def close_bar(self, bar, moment):
        self.bars = self.bars[-12:] + [bar]
        if self.rules.flat is not None:
            self.flat_ns = self.rules.flat(bar, self)
        acts = list(self.rules.acts(self.bars, self))
        self.seen += 1
        sides = {"buy": ("sell", "exit"), "short": ("cover", "exit")}
        held_back = self.is_held_back(bar)
        fired = [act for act in acts if act[3] and not (held_back and act[0] in sides)]
        entries = [act for act in fired if act[0] in sides and not any(other[0] in sides[act[0]] for other in fired)]
        if len({act[0] for act in entries}) < 2:
            wanted = [act for act in entries if self.target == 0 or (self.target > 0) != (act[0] == "buy")]
            leaves = sides["buy"] if self.target > 0 else sides["short"] if self.target < 0 else ()
            wanted += [act for act in fired if act[0] in leaves]
            if wanted:
                self.act(wanted[0], bar, moment)

    def act(self, act, bar, moment):
        word, qty, reason, _ = act
        target = -qty if word == "short" else qty
        if target == 0:
            self.left = (reason or "exit", bar.end_ns)
        else:
            self.entries.update(self.periods(bar))
        self.tell(word, target, bar.close, reason, bar.end_ns, moment)

    def periods(self, bar):
        """That an entry on the bar counts in: a session, and so much time."""
        session = originals.day(self.format, bar.end_ns - self.rules.width, "all")[0]
        return ("session", session), ("time", bar.end_ns // self.rules.most_per if self.rules.most_per else 0)

    def is_held_back(self, bar):
        if self.left is not None:
            wait_ns = max(self.rules.cooldown, self.rules.cooldowns.get(self.left[0], 0))
            if bar.end_ns - self.left[1] < wait_ns:
                return True
        return any(most is not None and self.entries[period] >= most
                   for period, most in zip(self.periods(bar), self.rules.most))

    def tell(self, word, target, price, reason, event_ns, moment, cause="bar"):
        last_ns, last = self.last[cause]
        number = last + 1 if event_ns == last_ns else 1
        self.last[cause], self.target = (event_ns, number), target
        key = (self.name, self.instrument, event_ns, number)
        self.order = (key, moment)
        self.told["signals"][key] = (word, target, price, reason, "fresh")

    def leave(self, kind, event_ns, price, moment):
        """By a trade. Ids of an instant at which a bar ends are the bar's."""
        event_ns = max(event_ns, *(last_ns for last_ns, _ in self.last.values()))
        self.left = ("stop" if kind == "trail" else kind, event_ns)
        self.tell("exit", 0, price, kind, event_ns + (event_ns % self.rules.width == 0), moment, "trade")

    # ---- what the trades make of it ----

    def take(self, event_ns, price, moment):
        if self.target != 0 and self.flat_ns is not None and event_ns >= self.flat_ns:
            self.leave("flat", event_ns, price, moment)
        elif self.order is not None and self.may_fill(event_ns, moment):
            self.fill(event_ns, price)
        elif self.held != 0 and self.order is None:
            self.hold_against(event_ns, price, moment)

    def may_fill(self, event_ns, moment):
        record, cause_ns = self.order[1]
        if record == moment[0] or event_ns - cause_ns < self.rules.after:
            return False
        return self.rules.fill == "next" or event_ns - event_ns % self.rules.width > cause_ns

    def fill(self, event_ns, price):
        key, self.order, change = self.order[0], None, self.target - self.held
        if change == 0:
            return
        opens = self.target != 0 and self.held * self.target <= 0
        self.held = self.target
        side = "buy" if change > 0 else "sell"
        self.told["fills"][key] = (event_ns, side, abs(change), price, self.held, self.rules.fill)
        if not opens:
            return
        self.entry = self.best = price
        self.entry_ns, self.entry_seen = event_ns, self.seen
        self.risk, self.levels = 0, [None] * len(self.rules.exits)
        self.awake = [asleep == 0 for _, _, _, asleep in self.rules.exits]
        self.follow()
        stops = [level for (kind, how, _, _), level in zip(self.rules.exits, self.levels)
                 if kind == "stop" and how != "R"]
        if stops and stops[0] is not None:
            self.risk = abs(self.entry - stops[0])
        self.follow()

    def gain(self, price):
        return price - self.entry if self.held > 0 else self.entry - price

    def distance(self, how, far):
        if how == "%":
            return times(self.entry, far)
        if how == "R":
            return times(self.risk, far) if self.risk > 0 else None
        return far(self.bars)

    def follow(self):
        """Levels stand anew; a trail never goes back."""
        if self.held == 0:
            return
        side = 1 if self.held > 0 else -1
        for i, (kind, how, far, asleep) in enumerate(self.rules.exits):
            self.awake[i] = self.awake[i] or (self.risk > 0 and self.gain(self.best) >= times(self.risk, asleep))
            level = self.distance(how, far)
            if level is None:
                continue
            if how != "at":
                ahead = side if kind == "target" else -side
                level = (self.best if kind == "trail" else self.entry) + ahead * level
            if kind == "trail" and self.levels[i] is not None and side * (level - self.levels[i]) < 0:
                continue
            self.levels[i] = level

    def reached(self, price):
        side = 1 if self.held > 0 else -1
        for (kind, _, _, _), level, awake in zip(self.rules.exits, self.levels, self.awake):
            if awake and level is not None and (side if kind == "target" else -side) * (price - level) >= 0:
                yield kind

    def hold_against(self, event_ns, price, moment):
        self.follow()  # bars have gone by
        kinds = set(self.reached(price))
        for kind in FIRST_TO_LAST:
            if kind in kinds:
                self.leave(kind, event_ns, price, moment)
                return
        if self.gain(price) > self.gain(self.best):
            self.best = price
            self.follow()


# ---- the tape ----

def times_between(last_ns, next_ns):
    """Of one partition: at 1, 2, 4, … s of silence, and at its end."""
    step = S
    while step < next_ns - last_ns:
        yield last_ns + step
        step *= 2
    if step > S:
        yield next_ns


def records(trades):
    """(event time or clock, bound, trade or None) in the order of the log, from (clock, trade) in that of the feed."""
    last_ns = newest_ns = 0
    for clock_ns, trade in trades:
        for at_ns in times_between(last_ns, clock_ns) if last_ns else ():
            yield at_ns, at_ns - MAX_DELAY, None
        yield trade.event_ns, trade.event_ns - LATENESS, trade
        last_ns, newest_ns = clock_ns, max(newest_ns, trade.event_ns)
    yield last_ns, newest_ns + 86400 * S, None  # the feed has ended


def price_of(text):
    return int(decimal.Decimal(text).scaleb(9))


def expected(format, trades):
    told = {"signals": {}, "fills": {}}
    positions, bars, ends, watermark_ns = {}, {}, [], 0
    widths = sorted({rules.width for rules in RULES.values()})
    for record, (now_ns, bound_ns, trade) in enumerate(records(trades)):
        watermark_ns = max(watermark_ns, bound_ns)
        while ends and ends[0][0] <= watermark_ns:
            end_ns, width, instrument = key = heapq.heappop(ends)
            bar = bars.pop(key)
            for position in positions[instrument]:
                if position.rules.width == width:
                    position.close_bar(bar, (record, now_ns))
        if trade is None:
            continue
        price = price_of(trade.price)
        if trade.instrument not in positions:
            positions[trade.instrument] = [Position(name, trade.instrument, format, told) for name in RULES]
        for position in positions[trade.instrument]:
            position.take(trade.event_ns, price, (record, now_ns))
        for width in widths:
            key = (trade.event_ns - trade.event_ns % width + width, width, trade.instrument)
            if key not in bars:
                bars[key] = Bar(key[0])
                heapq.heappush(ends, key)
            bars[key].add(trade, price)
    return told


# ---- the markets: (data set of trades alone, its trades with the feed's clock) ----

def lean(name, files):
    data_set = originals.DataSet(name, "lean", files)
    lanes = ([(trade.event_ns, nth, trade) for trade in originals.lean_trades(path)] for nth, path in enumerate(files))
    merged = sorted(itertools.chain(*lanes), key=lambda item: (item[0], item[1], item[2].order))
    return data_set, [(clock_ns, trade) for clock_ns, _, trade in merged]


def recorded_lean(_):
    return lean("bundled Lean", sorted((originals.ROOT / "examples/data/lean").glob("*_trade.zip")))


def recorded_binance(folder):
    files, items = [], []
    for nth, path in enumerate(sorted((originals.ROOT / "examples/data/binance").glob("*.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            kept = [line for line in lines if '"e":"trade"' in line]
        files.append(folder / path.name)
        with gzip.open(files[-1], "wt", encoding="utf-8") as out:
            out.writelines(kept)
        receives = (int(line.split(" ", 1)[0]) for line in kept)
        items += [(receive_ns, nth, i, trade)
                  for i, (receive_ns, trade) in enumerate(zip(receives, originals.binance_trades(files[-1])))]
    items.sort(key=lambda item: item[:3])
    return originals.DataSet("bundled Binance", "binance-collector", files), [(item[0], item[3]) for item in items]


def wandering(folder):
    """Two instruments of ours over some hours and a midnight, in bursts between silences, with leaps; on coarse grids of
    prices and times, so that much is met exactly."""
    draw, days = random.Random(7), collections.defaultdict(list)
    for symbol in ("far", "wide"):
        ms, price = 22 * 3600 * 1000, 1_000_000
        for _ in range(40_000):
            ms += draw.choice((0, 50, 100, 250, 500, 1250)) if draw.random() < 0.99 else 50 * draw.randrange(40, 1200)
            leap = draw.choice((100, 500) if draw.random() < 0.995 else (3_000,))
            price = max(10_000, price + draw.choice((-3, -1, 0, 0, 1, 3)) * leap)
            day, day_ms = divmod(ms, DAY_MS)
            days[f"{20131008 + day}_{symbol}"].append(f"{day_ms},{price},{draw.randrange(1, 500)},P,00000000,0\n")
    files = []
    for name, rows in sorted(days.items()):
        files.append(folder / f"{name}_trade.zip")
        with zipfile.ZipFile(files[-1], "w") as archive:
            archive.writestr(f"{name}_Trade_Tick.csv", "".join(rows))
    return lean("wandering", files)


# ---- what was told ----

def exactly(text, places):
    return int(decimal.Decimal(text).scaleb(places))


def told_by(database):
    keys, signals, fills = {}, {}, {}
    for row in database.execute("SELECT id, strategy, instrument, event_ns, action, target, price, reason, status"
                                " FROM signals"):
        keys[row[0]] = key = (*row[1:4], int(row[0].rsplit("#", 1)[1]))
        signals[key] = (row[4], exactly(row[5], 8), exactly(row[6], 9), row[7], row[8])
    for row in database.execute("SELECT signal, event_ns, side, quantity, price, position, kind FROM fills"):
        fills[keys.get(row[0], row[0])] = (row[1], row[2], exactly(row[3], 8), exactly(row[4], 9), exactly(row[5], 8),
                                           row[6])
    return {"signals": signals, "fills": fills}


def compare(market, folder):
    (folder / "files").mkdir()
    data_set, trades = market(folder / "files")
    strategy = folder / "positions.td"
    strategy.write_text(STRATEGIES, encoding="utf-8")
    _, database = originals.run(data_set, folder, strategies=[strategy], partitions=1)
    ours, theirs = told_by(database), expected(data_set.format, trades)
    differ = 0
    for what in ours:
        keys = [key for key in ours[what].keys() | theirs[what].keys() if ours[what].get(key) != theirs[what].get(key)]
        for key in sorted(keys, key=lambda key: (key[2], key))[:4]:
            print(f"  {what} {key} {datetime.datetime.fromtimestamp(key[2] / S, datetime.timezone.utc)}\n"
                  f"    ours   {ours[what].get(key)}\n    theirs {theirs[what].get(key)}")
        differ += len(keys)
    reasons = collections.Counter(signal[3] for signal in theirs["signals"].values())
    counts = (reasons[""], len(theirs["fills"]), *(reasons[kind] for kind in KINDS))
    print(f"{data_set.name}: {len(trades)} trades; {counts[0]} signals of conditions, {counts[1]} fills; left by stops"
          f" {counts[2]}, trails {counts[3]}, targets {counts[4]}, flat {counts[5]}; {differ} differ")
    few = [count for count, least in zip(counts, AT_LEAST[data_set.name]) if count < least]
    if few:
        print(f"  too few: at least {AT_LEAST[data_set.name]} are expected")
    return bool(differ or few)


def main():
    return originals.hold_each(compare, (wandering, recorded_binance, recorded_lean))


if __name__ == "__main__":
    sys.exit(main())
