# Momentum, on five-second bars, long and short: go with the trend while price runs ahead of it, turn when it turns.
#
# `short` while long reverses in one step: one signal, from +qty to -qty. Between the bands nothing happens, so a market
# that goes nowhere leaves the position alone.

strategy momentum on bars(5s) for BINANCE:*
  param length = 12 in 5..60
  param band   = 0.01% in 0%..1%

  trend = ema(close, length)
  upper = trend * (1 + band)
  lower = trend * (1 - band)

  buy   when crossover(close, upper) and trend > trend[1]
  short when crossunder(close, lower) and trend < trend[1]

  # The move is over when price falls back through its own trend.
  sell  when crossunder(close, trend)
  cover when crossover(close, trend)
