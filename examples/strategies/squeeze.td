# Out of the squeeze: when the bands have been closer together than on nine of ten bars of the last hundred, the break
# upwards is taken, if momentum agrees.

strategy squeeze on bars(5m)
  bands = bbands(close, 20, 2, 2)
  m = macd(close, 12, 26, 9)
  tight = rank(bands.upper - bands.lower, 100) < 10%
  buy  when tight[1] and close > bands.upper and m.hist > 0  note "out of the squeeze"
  exit when crossunder(close, bands.middle)
