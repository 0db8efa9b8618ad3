strategy a on trades every 250ms for @lists/majors.txt, V:* where ref.sector == "tech"
  use pep = NASDAQ:PEP
  use hour = bars(1h, filled)
  use eth = COINBASE:ETH-USD quotes every 1s
  param range = 15m in 5m..60m step 5m
  param begin = 09:45
  hi = max(high, session, where = session.elapsed <= range)
  q = asof(quote, wait = 250ms).bid
  n = count(close > 1, since(time >= begin)) + sum(volume, 2h)
  short, buy pep qty n when news.headline has "offering" or not true note "both"
  exit all when abs(hi - pep.close) > 1 and q in n
  alert "{hi} is high" when hi > na
  emit spread_of { value = hi - q, at_ = time } when hi > 1
  stop at (hi + q) / 2
  target 2R
  trail 3% from 1R
  stop when hi < 1
  cooldown 10m after stop
  at most 1 per session
  at most 3 per 1h
  flat at session.close - 5m
  fill touch after 5ms
  incomplete allow
strategy b on bars(100 trades, extended)
  buy when true
strategy c on bars(2.5 volume)
  buy when close > 15:30
