# Bars of so many trades are short where the market is fast: a rise within a burst counts as much as one of a slow hour.

strategy bursts on bars(20 trades) for COINBASE:BTC-USD
  use lots = bars(8 volume)
  buy  when close > high[1] and close > lots.vwap  note "burst"
  exit when close < low[1]
