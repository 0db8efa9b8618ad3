"""tests/services/feeds.py - recorded markets that the tests of stores and of other programs' readers run on."""
import tapedeck as td

DATA = td.ROOT / "examples" / "data"
LEAN = f"format: lean, path: \"{DATA}/lean/*.zip\", from: \"09:30\""  # the rest of a feed follows
BINANCE = f"format: binance-collector, path: \"{DATA}/binance/*.gz\""
LATE = """\
time,instrument,price,size,id,side
2026-03-02T14:30:10Z,DESK:A,10,1,1,buy
2026-03-02T14:30:20Z,DESK:A,10.5,2,2,
2026-03-02T14:31:25Z,DESK:A,11,1,3,
2026-03-02T14:30:40Z,DESK:A,9.000000001,0.00000003,4,sell
"""  # one trade revises a bar, and needs all decimals that there are; the rows behind it close it


def late(path, *rows):
    """A feed of LATE and these rows."""
    path.write_text(LATE + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return f"file: {{ format: csv, path: {path} }}"
