# A book that leans to its bids while buyers take: bought at the ask five milliseconds later, and left when the lean is
# gone, after ten seconds, or five ticks below. `tick` is the step of prices that the table of instruments says.

strategy book_imbalance on book every 100ms for COINBASE:BTC-USD
  i    = book.imbalance(5)
  flow = sum(trade.signed_size, 5s)
  buy  when avg(i, 1s) > 0.6 and flow > 0 and book.spread <= 2 * tick
  exit when i < 0 or held > 10s
  stop 5 * tick
  cooldown 2s
  fill touch after 5ms
