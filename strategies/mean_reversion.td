# Mean reversion, on one-minute bars: buy what fell a good way below its average, leave when it is back there.
#
# `band` is how far is far, in percent of the average. Two guards: nothing is bought while the average itself falls
# steeply (that is a trend, not a dip), and a trade that goes on falling past `stop_band` is given up.

strategy mean_reversion on bars(1m) for LEAN:AIG, LEAN:BAC, LEAN:IBM, LEAN:SPY
  param length    = 20 in 10..120 step 10
  param band      = 0.15% in 0.05%..2%
  param stop_band = 0.6% in 0.2%..5%

  mean  = sma(close, length)
  lower = mean * (1 - band)
  floor_price = mean * (1 - stop_band)
  calm  = mean > mean[length / 2] * (1 - band)

  buy qty 100 when close < lower and close > floor_price and calm  note "below its average"
  exit        when close >= mean                                   note "back at its average"
  exit        when close < floor_price                             note "gave up"
