# A series gives names to values that several strategies read; a fn is an expression with a name.

fn apart(a, b) = abs(a - b) / lesser(a, b)

series trend on bars(1m)
  slope = linearreg_slope(close, 60)
  strength = adx(14)

strategy follow on bars(1m)
  buy  when trend.slope > 0 and trend.strength > 25 and apart(close, sma(close, 20)) < 1%
  sell when trend.slope < 0
