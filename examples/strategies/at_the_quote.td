# Who pays up, held against the quote of the trade's own time, though that came late; and only with the index. Without the
# wait a trade would see the quote that happened to be there, of a feed that is behind most often the one before.

strategy at_the_quote on trades for NASDAQ:ACME
  use index = ARCA:SPY quotes
  offered = asof(quote.ask, wait = 250ms)
  fresh   = asof(quote, wait = 250ms).age < 2s
  lead    = asof(index.mid, wait = 250ms)
  buy  when price >= offered and fresh and lead > lead[10] * 1.0001  note "paid up"
  exit when price <= asof(quote.bid, wait = 250ms) and lead < lead[10]
  trail 0.1%
