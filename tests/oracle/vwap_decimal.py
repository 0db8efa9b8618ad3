#!/usr/bin/env python3
"""vwap = notional / volume, rounded half to even at 9 decimals, as Python's decimal has it: vwap_decimal.py FILE.db."""
import decimal
import sqlite3
import sys

decimal.getcontext().prec = 120  # 38 digits / 38 digits: no quotient that is no tie comes this close to one


def vwap(notional, volume):
    quotient = decimal.Decimal(notional) / decimal.Decimal(volume)
    return f"{quotient.quantize(decimal.Decimal('1e-9'), rounding=decimal.ROUND_HALF_EVEN):f}"


def differences(database):
    """[(key, ours, theirs)] over all rows of `bars`. Notional and volume are compared with DuckDB's elsewhere."""
    rows = database.execute("SELECT instrument, width_ns, start_ns, revision, vwap, notional, volume FROM bars")
    return [(row[:4], row[4], vwap(*row[5:])) for row in rows if row[4] != vwap(*row[5:])]


def main():
    database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    rows, = database.execute("SELECT count(*) FROM bars").fetchone()
    wrong = differences(database)
    for key, ours, theirs in wrong[:10]:
        print(f"  {key}: ours {ours}, decimal {theirs}")
    print(f"{rows} vwaps compared, {len(wrong)} differ")
    return 1 if wrong or rows == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
