strategy fast_cross on bars(1m)
  fast = sma(close, 20)
  slow = sma(close, 50)
  buy  when crossover(fast, slow)
  exit when crossunder(fast, slow)

strategy trend on bars(5m)
  fast = ema(close, 12)
  slow = ema(close, 26)
  buy   when crossover(fast, slow)
  short when crossunder(fast, slow)

strategy above_vwap on bars(1h)
  buy  when close > vwap and close[1] <= vwap[1]
  exit when close < vwap
