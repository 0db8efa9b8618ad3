# Strategies with rules, for the tests that want equal bytes: levels of every kind on bars and on ticks, what holds
# entries back, and orders that wait.

strategy guarded on bars(5s)
  buy   when close > close[1]
  short when close < close[1] and volume > volume[1]
  stop 0.02%
  trail at max(high, 3) from 1R
  target 2R
  target at max(high, 60)
  cooldown 5s after stop
  at most 3 per 1m

strategy patient on bars(1m)
  slow = ema(close, 5)
  buy  when close > slow
  exit when close < slow
  stop at min(low, 4)
  trail 2 * atr(5) from 0.5R
  stop when volume < volume[1] / 4
  cooldown 3m
  at most 12 per session
  fill open after 2s

strategy nimble on trades every 200ms for LEAN:*, BINANCE:*
  buy when price > price[1] and quote.age < 5s
  stop at min(price, 9)
  trail 0.01%
  cooldown 1s
  at most 300 per session
  fill next after 100ms

strategy leaning on book every 1s for BINANCE:*
  short when imbalance < 0
  stop 0.01%
  target 1.5R
  cooldown 2s after target
