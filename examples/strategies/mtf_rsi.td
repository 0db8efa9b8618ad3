# A dip on the short bars is bought while the hours are strong and the price is above its average of 50 days.

strategy mtf_rsi on bars(5m) for @lists/majors.txt
  use hour = bars(1h)
  use day  = bars(1d)
  buy  when crossover(rsi(close, 14), 30) and rsi(hour.close, 14) > 50 and close > ema(day.close, 50)
  sell when rsi(close, 14) > 70
