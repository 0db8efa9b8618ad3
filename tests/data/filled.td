# A strategy on filled bars that reads filled bars of all hours, for the tests that want equal bytes: bars where nothing
# traded are counted, judged and told.

strategy idle on bars(5s, filled)
  use wide = bars(1m, filled, extended)
  still = count(trades == 0, 6)
  emit stillness { still = still, wide = sma(wide.close, 3) } when still > 2
  buy  when still < 2 and close > wide.close
  exit when still > 3 or close < close[2]
