fn top(w) = max(high, w)
strategy a on bars(1m)
  param range = 15m in 5m..60m step 5m
  param begin = 09:45
  hi = max(high, session, where = session.elapsed <= range) + top(session)
  lo = min(low, since(close > open))
  a = avg(close, 7, where = time >= begin) + sum(volume, 90s) + first(open, session) - last(close, 2h)
  b = vwap(session) + var(close, 5m) + correl(close, volume, session) + regress(close, volume, since(close > 1)).slope
  c = median(close, 1h) + rank(close, session) + quantile(volume, 20m, q = 0.9, where = close > open)
  d = count(close > open, session) > 2 and any(close > 1, 5m) or all(low > 1, session)
  buy when d and session.left > 30m and session.day < 5 and time - session.open > range
  sell when a > hi or b < lo or nz(c, 0) > 1 or (if true then -range else na) < 1m
