# The golden cross of moving averages, taken only where the volume says that somebody means it. The averages are short
# here, so that the example is: 50 and 200 on days are the usual ones.

strategy golden_cross on bars(1m) for NASDAQ:*
  param fast = 5 in 2..80
  param slow = 20 in 5..300
  f = sma(close, fast)
  s = sma(close, slow)
  buy  when crossover(f, s) and volume > 1.5 * sma(volume, 20)[1]  note "golden cross"
  sell when crossunder(f, s)
