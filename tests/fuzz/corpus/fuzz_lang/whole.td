strategy a on bars(500ms) for X:A, LEAN:* # c
  param n = 5 in 1..9 step 2
  param p = -1.5%
  f = sma(close, n)[1] * 1.5% + ema(open / low, 2)
  c = crossover(f, nz(ema(low, 3), 2)) and not f > 3 or (vwap != trades)[2]
  buy qty 2 * n when if c then f > 1 else f <= -2 note "yes"
  short qty 1/3 when crossunder(high, volume)
  cover when (if close > open then low else high) < ema(close, 3)
  exit when f / 0 >= 1 - - p
strategy b on bars(5s)
  sell when close[3] > 2
