# The opening range: where the price leaves what the first fifteen minutes traded at, with volume, it is followed, once a
# day; out at the middle of the range, at twice that risk, or five minutes before the exchange closes.

strategy opening_range on bars(1m) for NASDAQ:*
  param range = 15m in 5m..60m step 5m
  hi = max(high, session, where = session.elapsed <= range)
  lo = min(low,  session, where = session.elapsed <= range)
  open_for_trade = session.elapsed > range and session.left > 30m
  buy   when open_for_trade and crossover(close, hi) and volume > 2 * sma(volume, 20)
  short when open_for_trade and crossunder(close, lo)
  stop at (hi + lo) / 2
  target 2R
  flat at session.close - 5m
  at most 1 per session
