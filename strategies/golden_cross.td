# Golden cross, on one-minute bars: the short average of the close crosses the long one.
#
# `fast` and `slow` are the usual knobs: shorter ones trade more often and believe more noise. The first signal can come
# `slow` bars after the first trade, since an average is silent until it has seen its whole window.

strategy golden_cross on bars(1m) for LEAN:*
  param fast = 5 in 3..20
  param slow = 20 in 10..60 step 5

  f = sma(close, fast)
  s = ema(close, slow)

  # A crossing on thin trade is noise: ask for half of what the minutes before it had on average. The [1] is the average
  # up to the bar before, so that a bar is not compared with itself.
  buy  when crossover(f, s) and volume > 0.5 * sma(volume, slow)[1]  note "golden cross"
  sell when crossunder(f, s)                                         note "death cross"
