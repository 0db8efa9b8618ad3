# On each trade: buyers who take what is offered, in size, while the flow of the last twenty trades is theirs.

strategy big_prints on trades for COINBASE:BTC-USD
  flow = sum(signed_size, 20)
  buy  when flow > 3 and size > 0.8 and side == 1  note "big prints"
  exit when flow < 0
