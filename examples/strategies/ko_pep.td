# Two shares that move together: what is dear against the other is sold, and the other one bought, as one decision.

strategy ko_pep on bars(5m) for NYSE:KO
  use pep = NASDAQ:PEP
  b = regress(log(close), log(pep.close), 390).slope
  z = zscore(log(close) - b * log(pep.close), 390)
  short, buy pep qty b  when z >  2 and pep.age < 10m
  buy, short pep qty b  when z < -2 and pep.age < 10m
  exit all              when abs(z) < 0.5
  stop when abs(z) > 4
