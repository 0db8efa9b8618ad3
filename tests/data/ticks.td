# Strategies on ticks, for the tests that want equal bytes: each source, with and without `every`, as-of names both ways.
strategy lift on trades for LEAN:*, BINANCE:*
  buy  when price >= quote.ask and quote.age < 5s
  exit when price < quote.bid

strategy slow on quotes every 1s
  m = ema(nz(bid, ask), 20)
  buy  when crossover(nz(bid, ask), m) and trade.price > m
  sell when crossunder(nz(bid, ask), m)

strategy pressure on book every 100ms for BINANCE:*
  lean = ema(book.imbalance(5), 20)
  buy  when lean > 0.3 and spread < mid * 0.1% and trade.age < 5s
  exit when lean < 0

strategy ends on bars(1m)
  buy  when close > quote.bid and trade.age < 30s
  sell when close < quote.bid

strategy waits on trades for LEAN:*, BINANCE:*
  least = asof(quote.ask, 250ms)
  known = asof(quote, wait = 250ms).age < 5s and not quote.age > 5s
  buy  when price >= least and known
  exit when price < asof(nz(quote.bid, quote.ask), 250ms)
