strategy t on trades
  buy when price >= quote.ask and quote.age < 2 and book.imbalance(5) > 0.4
  exit when signed_size < 0 or side == 1 or id > 3
strategy b on book every 100ms for LEAN:*
  lean = ema(book.imbalance(5), 3)
  x = microprice - mid + spread + bid_size - ask_size + bid - ask
  buy when lean > 0.6
strategy q on quotes
  buy when imbalance > 0.1 and trade.price > mid
