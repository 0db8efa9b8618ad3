/* tests/unit/lang_error_test.c - goal: what is wrong is said at its place, with what was expected, all of it at once;
 * and what the language does not have yet is named as that. Messages are compared to the letter. */
#include "strategy_rig.h"

static const struct {
    const char *text, *errors;
} cases[] = {
    /* clang-format off */
    {"strateg a on bars(1m)\n"
     "  x = close\n",
     "x.td:1:1: expected 'strategy', 'series' or 'fn', found 'strateg'; did you mean 'strategy'?\n"
     "    strateg a on bars(1m)\n"
     "    ^\n"},
    {"fn f(x) = g(x) + 1\n"
     "fn g(x) = f(x) * 2\n"
     "fn h(x, y) = x + clse\n"
     "fn (x) = 1\n"
     "strategy a on bars(1m)\n"
     "  x = f(close)\n"
     "  y = h(open)\n"
     "  z = h(open, 1) + h(close, 2)\n"
     "  w = h(open, 1).low\n",
     "x.td:2:11: 'f' calls itself: a fn is written out where it is called\n"
     "    fn g(x) = f(x) * 2\n"
     "              ^\n"
     "x.td:3:18: unknown name 'clse'; did you mean 'close'?\n"
     "    fn h(x, y) = x + clse\n"
     "                     ^\n"
     "x.td:4:4: expected a name for the fn, found '('\n"
     "    fn (x) = 1\n"
     "       ^\n"
     "x.td:7:7: h takes 2 arguments, found 1\n"
     "      y = h(open)\n"
     "          ^\n"
     "x.td:9:7: 'h' gives one value and has no fields\n"
     "      w = h(open, 1).low\n"
     "          ^\n"},
    {"series trend on bars(1m)\n"
     "  slope = linearreg_slope(close, 14)\n"
     "  buy when close > 1\n"
     "strategy a on bars(1m)\n"
     "  x = trend.slop\n"
     "  y = trend\n"
     "  z = close.high\n"
     "strategy b on bars(5m)\n"
     "  x = trend.slop\n",
     "x.td:3:3: a series names values; actions belong to a strategy\n"
     "      buy when close > 1\n"
     "      ^\n"
     "x.td:5:7: 'trend' has no field 'slop'; it has .slope\n"
     "      x = trend.slop\n"
     "          ^\n"
     "x.td:6:7: 'trend' has the fields .slope: say which\n"
     "      y = trend\n"
     "          ^\n"
     "x.td:7:7: 'close' is one value and has no fields\n"
     "      z = close.high\n"
     "          ^\n"
     "x.td:9:7: 'trend' has no field 'slop'; it has .slope\n"
     "      x = trend.slop\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = macd(close)\n"
     "  y = macd(close) + 1\n"
     "  z = macd(close).up + x.down\n"
     "  w = x + 1\n"
     "  v = rsi(close, 1) + rsi(close).up\n"
     "  u = sar(0.02, close) + bbands(close, 20, 2000).upper\n"
     "  t = cci(close * 1, low, close, 20) + stoch(14, 3, 3, 3, 3).k\n"
     "  s = (close + 1).up + valuewhen(close, open)\n",
     "x.td:3:7: macd has the fields .line, .signal, .hist: say which\n"
     "      y = macd(close) + 1\n"
     "          ^\n"
     "x.td:4:7: macd has no field 'up'; it has .line, .signal, .hist\n"
     "      z = macd(close).up + x.down\n"
     "          ^\n"
     "x.td:4:24: 'x' has no field 'down'; it has .line, .signal, .hist\n"
     "      z = macd(close).up + x.down\n"
     "                           ^\n"
     "x.td:5:7: 'x' has the fields .line, .signal, .hist: say which\n"
     "      w = x + 1\n"
     "          ^\n"
     "x.td:6:18: the length of rsi must be a whole number from 2 to 100000, found 1\n"
     "      v = rsi(close, 1) + rsi(close).up\n"
     "                     ^\n"
     "x.td:6:23: rsi gives one value and has no fields\n"
     "      v = rsi(close, 1) + rsi(close).up\n"
     "                          ^\n"
     "x.td:7:17: 'most' of sar must be a constant number from 0 to 1000\n"
     "      u = sar(0.02, close) + bbands(close, 20, 2000).upper\n"
     "                    ^\n"
     "x.td:7:44: 'up' of bbands must be a constant number from -1000 to 1000\n"
     "      u = sar(0.02, close) + bbands(close, 20, 2000).upper\n"
     "                                               ^\n"
     "x.td:8:7: avgdev takes exact numbers: prices, volumes, and what + and - make of them\n"
     "      t = cci(close * 1, low, close, 20) + stoch(14, 3, 3, 3, 3).k\n"
     "          ^\n"
     "x.td:8:40: stoch([high, low, close,] fast = 5, slow = 3, smooth = 3) takes 0 to 3 arguments, found 5\n"
     "      t = cci(close * 1, low, close, 20) + stoch(14, 3, 3, 3, 3).k\n"
     "                                           ^\n"
     "x.td:9:8: only functions, names of their results and series have fields\n"
     "      s = (close + 1).up + valuewhen(close, open)\n"
     "           ^\n"
     "x.td:9:34: expected a condition, found a number\n"
     "      s = (close + 1).up + valuewhen(close, open)\n"
     "                                     ^\n"},
    {"  strategy a on bars(1m)\n"
     "  x = close\n",
     "x.td:1:3: 'strategy' begins at the start of a line\n"
     "      strategy a on bars(1m)\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n",
     "x.td:1:1: this strategy says nothing: indent its lines below it\n"
     "    strategy a on bars(1m)\n"
     "    ^\n"},
    {"strategy a on bars(1m)\n"
     "x = close\n",
     "x.td:1:1: this strategy says nothing: indent its lines below it\n"
     "    strategy a on bars(1m)\n"
     "    ^\n"
     "x.td:2:1: expected 'strategy', 'series' or 'fn', found 'x'\n"
     "    x = close\n"
     "    ^\n"},
    {"strategy buy on bars(1m)\n"
     "  x = close\n",
     "x.td:1:10: 'buy' is a word of the language: choose another name\n"
     "    strategy buy on bars(1m)\n"
     "             ^\n"},
    {"strategy a bars(1m)\n"
     "  x = close\n",
     "x.td:1:12: expected 'on', found 'bars'\n"
     "    strategy a bars(1m)\n"
     "               ^\n"},
    {"strategy a on bar(1m)\n"
     "  x = close\n",
     "x.td:1:15: expected a source: bars, trades, quotes, book or news, found 'bar'; did you mean 'bars'?\n"
     "    strategy a on bar(1m)\n"
     "                  ^\n"},
    {"strategy a on news\n"
     "  x = close\n",
     "x.td:2:7: 'close' is of bars, and this runs on news\n"
     "      x = close\n"
     "          ^\n"},
    {"strategy a on bars(5 volume, filled)\n"
     "  x = close\n"
     "strategy b on bars(1m, filled, extended, filled)\n"
     "  x = close\n"
     "strategy c on bars(100 trades, extended)\n"
     "  x = close\n",
     "x.td:1:30: 'filled' is of bars by time: one by count ends with a trade, so none is empty\n"
     "    strategy a on bars(5 volume, filled)\n"
     "                                 ^\n"
     "x.td:3:42: 'filled' is said twice\n"
     "    strategy b on bars(1m, filled, extended, filled)\n"
     "                                             ^\n"
     "x.td:5:32: 'extended' is of bars by time: for bars by count of all hours set 'hours: all'\n"
     "    strategy c on bars(100 trades, extended)\n"
     "                                   ^\n"},
    {"strategy a on bars(60)\n"
     "  x = close\n",
     "x.td:1:20: expected a width with its unit, such as 1m, 100 trades or 5000 volume, found '60'\n"
     "    strategy a on bars(60)\n"
     "                       ^\n"},
    {"strategy a on bars(1x)\n"
     "  x = close\n",
     "x.td:1:20: expected a width, such as 500ms, 5s, 1m or 4h, found '1x'\n"
     "    strategy a on bars(1x)\n"
     "                       ^\n"},
    {"strategy a on bars(0s)\n"
     "  x = close\n",
     "x.td:1:20: expected a width, such as 500ms, 5s, 1m or 4h, found '0s'\n"
     "    strategy a on bars(0s)\n"
     "                       ^\n"},
    {"strategy a on bars(1m\n"
     "  x = close\n",
     "x.td:1:22: expected ')', found the end of the line\n"
     "    strategy a on bars(1m\n"
     "                         ^\n"},
    {"strategy a on bars(1m) every 5s\n"
     "  x = close\n",
     "x.td:1:24: bars come once per width: 'every' is for trades, quotes, book and news\n"
     "    strategy a on bars(1m) every 5s\n"
     "                           ^\n"},
    {"strategy a on bars(1m) fro X:Y\n"
     "  x = close\n",
     "x.td:1:24: expected 'for' or the end of the line, found 'fro'; did you mean 'for'?\n"
     "    strategy a on bars(1m) fro X:Y\n"
     "                           ^\n"},
    {"strategy a on bars(1m) for @lists/majors.txt\n"
     "  x = close\n",
     "x.td:1:28: the list '@lists/majors.txt' is not here: it is read when a configuration names the strategy's file\n"
     "    strategy a on bars(1m) for @lists/majors.txt\n"
     "                               ^\n"},
    {"strategy a on bars(1m) for LEAN\n"
     "  x = close\n",
     "x.td:1:28: expected VENUE:SYMBOL, VENUE:* or @FILE, found 'LEAN'\n"
     "    strategy a on bars(1m) for LEAN\n"
     "                               ^\n"},
    {"strategy a on bars(1m) for LEAN:I*M\n"
     "  x = close\n",
     "x.td:1:28: expected VENUE:SYMBOL, VENUE:* or @FILE, found 'LEAN:I*M'\n"
     "    strategy a on bars(1m) for LEAN:I*M\n"
     "                               ^\n"},
    {"strategy a on bars(1m) for *:IBM\n"
     "  x = close\n",
     "x.td:1:28: expected VENUE:SYMBOL, VENUE:* or @FILE, found '*:IBM'\n"
     "    strategy a on bars(1m) for *:IBM\n"
     "                               ^\n"},
    {"strategy a on bars(1m) for LEAN:IBM,\n"
     "  x = close\n",
     "x.td:1:37: expected VENUE:SYMBOL, VENUE:* or @FILE, found nothing\n"
     "    strategy a on bars(1m) for LEAN:IBM,\n"
     "                                        ^\n"},
    {"strategy a on bars(1m) for LEAN:* where volume > 5\n"
     "  x = close\n",
     "x.td:1:41: 'where' behind a set asks what the instrument table says: ref.NAME, numbers and texts\n"
     "    strategy a on bars(1m) for LEAN:* where volume > 5\n"
     "                                            ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = close\n"
     "strategy a on bars(5m)\n"
     "  x = close\n",
     "x.td:3:10: strategy 'a' is already defined, in x.td:1\n"
     "    strategy a on bars(5m)\n"
     "             ^\n"},
    {"strategy a on bars(1m)\n"
     "  use pep = NASDAQ:PEP\n"
     "  use hour = bars(100 trades)\n"
     "  use pep = bars(1h)\n"
     "  x = pep + 1\n"
     "  y = pep.clos\n"
     "  z = rsi(pep, 14)\n"
     "  exit when hour.close[close] > 0\n",
     "x.td:4:7: 'pep' is already defined, on line 2\n"
     "      use pep = bars(1h)\n"
     "          ^\n"
     "x.td:5:7: 'pep' is several values: say which, as in pep.close\n"
     "      x = pep + 1\n"
     "          ^\n"
     "x.td:6:7: 'pep' has no field 'clos'; did you mean 'close'?\n"
     "      y = pep.clos\n"
     "          ^\n"
     "x.td:7:11: 'pep' is several values: say which, as in pep.close\n"
     "      z = rsi(pep, 14)\n"
     "              ^\n"
     "x.td:8:24: the number of bars in [ ] must be constant: a number, or made of numbers and params\n"
     "      exit when hour.close[close] > 0\n"
     "                           ^\n"},
    {"strategy a on bars(1m)\n"
     "  pattern dip within 20m\n"
     "    down{3,} : close < close[1]\n"
     "  x = clos\n",
     "x.td:2:3: 'pattern' is not part of this version\n"
     "      pattern dip within 20m\n"
     "      ^\n"
     "x.td:4:7: unknown name 'clos'; did you mean 'close'?\n"
     "      x = clos\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "  alert \"x\" when close\n"
     "  alert \"at {clos}, }\" when close > 1\n"
     "  alert \"at {close\" when close > 1\n"
     "  alert \"{macd(close)} }\" when close > 1\n"
     "  alert \"{close} }\" when close > 1\n"
     "  emit v { x = close, x = open } when close\n"
     "  emit v { x = clos, x = open }\n",
     "x.td:2:18: expected a condition, found a number\n"
     "      alert \"x\" when close\n"
     "                     ^\n"
     "x.td:3:14: unknown name 'clos'; did you mean 'close'?\n"
     "      alert \"at {clos}, }\" when close > 1\n"
     "                 ^\n"
     "x.td:4:13: '{' needs its pair: {name} is a value; '{{' is one brace\n"
     "      alert \"at {close\" when close > 1\n"
     "                ^\n"
     "x.td:5:11: unknown name 'macd(close)'\n"
     "      alert \"{macd(close)} }\" when close > 1\n"
     "              ^\n"
     "x.td:6:18: '}' needs its pair: {name} is a value; '}}' is one brace\n"
     "      alert \"{close} }\" when close > 1\n"
     "                     ^\n"
     "x.td:7:39: expected a condition, found a number\n"
     "      emit v { x = close, x = open } when close\n"
     "                                          ^\n"
     "x.td:8:16: unknown name 'clos'; did you mean 'close'?\n"
     "      emit v { x = clos, x = open }\n"
     "                   ^\n"
     "x.td:8:22: 'x' is given twice\n"
     "      emit v { x = clos, x = open }\n"
     "                         ^\n"},
    {"strategy a on bars(1m)\n"
     "  target 2R\n"
     "  stop at 0\n"
     "  trail when close > 1\n"
     "  cooldown 1m\n"
     "  cooldown 2m\n"
     "  fill next\n"
     "  fill open\n"
     "  incomplete allow\n"
     "  incomplete withhold\n",
     "x.td:2:10: R is how far the strategy's stop stands from the entry: say 'stop', by a distance or a level, above\n"
     "      target 2R\n"
     "             ^\n"
     "x.td:3:11: a level must be above 0: else it is reached at once, or never\n"
     "      stop at 0\n"
     "              ^\n"
     "x.td:4:9: a trail follows the price at a distance; 'stop when' takes a condition\n"
     "      trail when close > 1\n"
     "            ^\n"
     "x.td:6:3: this was said above already\n"
     "      cooldown 2m\n"
     "      ^\n"
     "x.td:8:3: this was said above already\n"
     "      fill open\n"
     "      ^\n"
     "x.td:10:3: this was said above already\n"
     "      incomplete withhold\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n"
     "  bui when close > 1\n",
     "x.td:2:3: expected 'param', NAME = value, or an action such as buy, found 'bui'; did you mean 'buy'?\n"
     "      bui when close > 1\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n"
     "  5 = close\n",
     "x.td:2:3: expected 'param', NAME = value, or an action such as buy, found '5'\n"
     "      5 = close\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n"
     "  close = open\n"
     "  stop = open\n"
     "  then = open\n",
     "x.td:2:3: 'close' is a word of the language: choose another name\n"
     "      close = open\n"
     "      ^\n"
     "x.td:3:3: 'stop' is a word of the language: choose another name\n"
     "      stop = open\n"
     "      ^\n"
     "x.td:4:3: 'then' is a word of the language: choose another name\n"
     "      then = open\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = close\n"
     "  x = open\n",
     "x.td:3:3: 'x' is already defined, on line 2\n"
     "      x = open\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = y + 1\n"
     "  y = close\n",
     "x.td:2:7: 'y' is used before it is defined, on line 3\n"
     "      x = y + 1\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "    x = close\n"
     "  y = open\n",
     "x.td:3:3: this line begins left of its block: align it\n"
     "      y = open\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n"
     "\tx = close\n",
     "x.td:2:1: a tab in the indentation: use spaces\n"
     "    \tx = close\n"
     "    ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = close y\n",
     "x.td:2:13: expected an operator or the end of the line, found 'y'\n"
     "      x = close y\n"
     "                ^\n"},
    {"strategy a on bars(1m)\n"
     "  x =\n",
     "x.td:2:6: expected a number, a name or '(', found the end of the line\n"
     "      x =\n"
     "         ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = close +",
     "x.td:2:14: expected a number, a name or '(', found the end of the line\n"
     "      x = close +\n"
     "                 ^\n"},
    {"strategy a on bars(1m)\n"
     "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = close\n",
     "x.td:2:3: a name has at most 63 characters\n"
     "      aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = close\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n"
     "  param n\n"
     "  param m = 5 in 6..9\n"
     "  param k = 5 in 9..6\n"
     "  param j = 5 in 1..9 step 0\n"
     "  param r = 15m\n"
     "  param t = close\n",
     "x.td:2:10: expected '=', found the end of the line\n"
     "      param n\n"
     "             ^\n"
     "x.td:3:13: the param's value is outside its range\n"
     "      param m = 5 in 6..9\n"
     "                ^\n"
     "x.td:4:18: the range is empty: its start is above its end\n"
     "      param k = 5 in 9..6\n"
     "                     ^\n"
     "x.td:5:28: the step must be above 0\n"
     "      param j = 5 in 1..9 step 0\n"
     "                               ^\n"
     "x.td:7:13: expected a number, found 'close'\n"
     "      param t = close\n"
     "                ^\n"},
    {"strategy a on bars(1m)\n"
     "  buy wen close > 1\n"
     "  buy pep when close > 1\n"
     "  short, buy pep when close > 1\n"
     "  exit all when close > 1\n",
     "x.td:2:7: expected 'when', found 'wen'; did you mean 'when'?\n"
     "      buy wen close > 1\n"
     "          ^\n"
     "x.td:3:7: 'pep' names no instrument: say 'use pep = VENUE:SYMBOL' above, or 'when' and a condition\n"
     "      buy pep when close > 1\n"
     "          ^\n"
     "x.td:4:14: 'pep' names no instrument: say 'use pep = VENUE:SYMBOL' above, or 'when' and a condition\n"
     "      short, buy pep when close > 1\n"
     "                 ^\n"},
    {"strategy a on bars(1m)\n"
     "  sell qty 2 when close > 1\n"
     "  buy qty 0 when close > 1\n"
     "  buy qty close when close > 1\n" /* may be anything */
     "  buy qty 1/0 when close > 1\n"
     "  buy qty 1e3 when close > 1\n",
     "x.td:2:8: 'sell' leaves the whole position and takes no qty\n"
     "      sell qty 2 when close > 1\n"
     "           ^\n"
     "x.td:3:11: qty must be above 0 (at least 0.00000001) and below 90 billion\n"
     "      buy qty 0 when close > 1\n"
     "              ^\n"
     "x.td:5:11: qty must be above 0 (at least 0.00000001) and below 90 billion\n"
     "      buy qty 1/0 when close > 1\n"
     "              ^\n"
     "x.td:6:11: '1e3' is not a number\n"
     "      buy qty 1e3 when close > 1\n"
     "              ^\n"},
    {"strategy a on bars(1m)\n"
     "  buy when close\n"
     "  sell when close > 1 note hello\n"
     "  exit when close > 1 note \"open\n"
     "  exit when close > 1 and\n",
     "x.td:2:12: expected a condition, found a number\n"
     "      buy when close\n"
     "               ^\n"
     "x.td:3:28: expected a text in quotes, found 'hello'\n"
     "      sell when close > 1 note hello\n"
     "                               ^\n"
     "x.td:4:28: this text has no closing '\"'\n"
     "      exit when close > 1 note \"open\n"
     "                               ^\n"
     "x.td:5:26: expected a number, a name or '(', found the end of the line\n"
     "      exit when close > 1 and\n"
     "                             ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = clse + sma(closee, 5)\n"
     "  y = smaa(close, 5)\n"
     "  z = sma\n"
     "  w = close(3)\n",
     "x.td:2:7: unknown name 'clse'; did you mean 'close'?\n"
     "      x = clse + sma(closee, 5)\n"
     "          ^\n"
     "x.td:2:18: unknown name 'closee'; did you mean 'close'?\n"
     "      x = clse + sma(closee, 5)\n"
     "                     ^\n"
     "x.td:3:7: unknown function 'smaa'; did you mean 'sma'?\n"
     "      y = smaa(close, 5)\n"
     "          ^\n"
     "x.td:4:7: 'sma' is a function: give it what it works on\n"
     "      z = sma\n"
     "          ^\n"
     "x.td:5:7: 'close' is a value, not a function\n"
     "      w = close(3)\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = sma(close)\n"
     "  y = sma(close, 5, 6)\n"
     "  z = sma(close, )\n",
     "x.td:2:7: sma(x, n) takes 2 arguments, found 1\n"
     "      x = sma(close)\n"
     "          ^\n"
     "x.td:3:7: sma(x, n) takes 2 arguments, found 3\n"
     "      y = sma(close, 5, 6)\n"
     "          ^\n"
     "x.td:4:18: expected a number, a name or '(', found ')'\n"
     "      z = sma(close, )\n"
     "                     ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = sma(close, 0)\n"
     "  y = ema(close, 2.5)\n"
     "  z = sma(close, 100001)\n"
     "  w = sma(close, volume)\n"
     "  v = close[-1]\n"
     "  u = sma(close, 1/0)\n",
     "x.td:2:18: the length of sma must be a whole number from 1 to 100000, found 0\n"
     "      x = sma(close, 0)\n"
     "                     ^\n"
     "x.td:3:18: the length of ema must be a whole number from 1 to 100000, found 2.5\n"
     "      y = ema(close, 2.5)\n"
     "                     ^\n"
     "x.td:4:18: the length of sma must be a whole number from 1 to 100000, found 100001\n"
     "      z = sma(close, 100001)\n"
     "                     ^\n"
     "x.td:5:18: the length of sma must be constant: a number, or made of numbers and params\n"
     "      w = sma(close, volume)\n"
     "                     ^\n"
     "x.td:6:13: the number of bars in [ ] must be a whole number from 0 to 100000, found -1\n"
     "      v = close[-1]\n"
     "                ^\n"
     "x.td:7:18: the length of sma must be a whole number from 1 to 100000, found na\n"
     "      u = sma(close, 1/0)\n"
     "                     ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = sma(close > 1, 5)\n"
     "  y = (close > 1) + 1\n"
     "  z = not close\n"
     "  w = close > 1 > 2\n"
     "  v = close and open > 1\n",
     "x.td:2:11: expected a number, found a condition\n"
     "      x = sma(close > 1, 5)\n"
     "              ^\n"
     "x.td:3:8: expected a number, found a condition\n"
     "      y = (close > 1) + 1\n"
     "           ^\n"
     "x.td:4:11: expected a condition, found a number\n"
     "      z = not close\n"
     "              ^\n"
     "x.td:5:17: comparisons do not chain: join two with 'and'\n"
     "      w = close > 1 > 2\n"
     "                    ^\n"
     "x.td:6:7: expected a condition, found a number\n"
     "      v = close and open > 1\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = if close then 1 else 2\n"
     "  y = if close > 1 then 1 else open > 1\n"
     "  z = nz(close > 1, 0)\n"
     "  w = if close > 1 then 2\n",
     "x.td:2:10: expected a condition, found a number\n"
     "      x = if close then 1 else 2\n"
     "             ^\n"
     "x.td:3:32: expected a number like the other value, found a condition\n"
     "      y = if close > 1 then 1 else open > 1\n"
     "                                   ^\n"
     "x.td:4:21: expected a condition like the other value, found a number\n"
     "      z = nz(close > 1, 0)\n"
     "                        ^\n"
     "x.td:5:26: expected 'else', found the end of the line\n"
     "      w = if close > 1 then 2\n"
     "                             ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = avg(close, 14)\n"
     "  y = tick\n"
     "  z = news.sentimental\n"
     "  w = sma(close, 15m)\n"
     "  v = close > 09:45\n"
     "  u = abs(\"text\")\n",
     "x.td:3:7: 'tick' reads the instrument table: name one by `instruments: FILE` in the configuration\n"
     "      y = tick\n"
     "          ^\n"
     "x.td:4:7: 'news' has no field 'sentimental'; did you mean 'sentiment'?\n"
     "      z = news.sentimental\n"
     "          ^\n"
     "x.td:6:7: a number and a time do not go with '>'\n"
     "      v = close > 09:45\n"
     "          ^\n"
     "x.td:7:11: a text is compared with a text, as in news.headline has \"…\" or ref.sector == \"…\"\n"
     "      u = abs(\"text\")\n"
     "              ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = 1.0000000001\n"
     "  y = 1000000000000000000000000\n"
     "  z = 0.00000001%\n"
     "  w = 12abc\n",
     "x.td:2:7: a number has at most 9 decimals\n"
     "      x = 1.0000000001\n"
     "          ^\n"
     "x.td:3:7: this number is too large: at most 10^23\n"
     "      y = 1000000000000000000000000\n"
     "          ^\n"
     "x.td:4:7: a number has at most 9 decimals\n"
     "      z = 0.00000001%\n"
     "          ^\n"
     "x.td:5:7: '12abc' is not a number\n"
     "      w = 12abc\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = (close\n"
     "  y = close)\n"
     "  z = close[1\n"
     "  w = close ; open\n"
     "  v = close \303\251\n",
     "x.td:2:13: expected ')', found the end of the line\n"
     "      x = (close\n"
     "                ^\n"
     "x.td:3:12: expected an operator or the end of the line, found ')'\n"
     "      y = close)\n"
     "               ^\n"
     "x.td:4:14: expected ']', found the end of the line\n"
     "      z = close[1\n"
     "                 ^\n"
     "x.td:5:13: a character that no word begins with\n"
     "      w = close ; open\n"
     "                ^\n"
     "x.td:6:13: a character that no word begins with\n"
     "      v = close \303\251\n"
     "                ^\n"},
    {"strategy a on bars(1m)\n"
     "  \303\251t\303\251 = close\n"
     "  x = \"\303\251\" ! 2\n",
     "x.td:2:3: a character that no word begins with\n"
     "      \303\251t\303\251 = close\n"
     "      ^\n"
     "x.td:3:11: a character that no word begins with\n"
     "      x = \"\303\251\" ! 2\n"
     "              ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = sma(close, n = 5)\n"
     "  y = close has 3\n"
     "  z = and\n",
     "x.td:3:7: 'has' stands between two texts, of which one is written, as in news.headline has \"…\"\n"
     "      y = close has 3\n"
     "          ^\n"
     "x.td:4:7: expected a number, a name or '(', found 'and'\n"
     "      z = and\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "  name0 = aaaaaaaaa\n"
     "  name1 = bbbbbbbbb\n"
     "  name2 = ccccccccc\n"
     "  name3 = ddddddddd\n"
     "  name4 = eeeeeeeee\n"
     "  name5 = fffffffff\n"
     "  name6 = ggggggggg\n"
     "  name7 = hhhhhhhhh\n"
     "  name8 = iiiiiiiii\n"
     "  name9 = jjjjjjjjj\n"
     "  name10 = kkkkkkkkk\n"
     "  name11 = lllllllll\n"
     "  name12 = mmmmmmmmm\n"
     "  name13 = nnnnnnnnn\n"
     "  name14 = ooooooooo\n"
     "  name15 = ppppppppp\n"
     "  name16 = qqqqqqqqq\n"
     "  name17 = rrrrrrrrr\n"
     "  name18 = sssssssss\n"
     "  name19 = ttttttttt\n"
     "  name20 = uuuuuuuuu\n"
     "  name21 = vvvvvvvvv\n"
     "  name22 = wwwwwwwww\n",
     "x.td:2:11: unknown name 'aaaaaaaaa'\n"
     "      name0 = aaaaaaaaa\n"
     "              ^\n"
     "x.td:3:11: unknown name 'bbbbbbbbb'\n"
     "      name1 = bbbbbbbbb\n"
     "              ^\n"
     "x.td:4:11: unknown name 'ccccccccc'\n"
     "      name2 = ccccccccc\n"
     "              ^\n"
     "x.td:5:11: unknown name 'ddddddddd'\n"
     "      name3 = ddddddddd\n"
     "              ^\n"
     "x.td:6:11: unknown name 'eeeeeeeee'\n"
     "      name4 = eeeeeeeee\n"
     "              ^\n"
     "x.td:7:11: unknown name 'fffffffff'\n"
     "      name5 = fffffffff\n"
     "              ^\n"
     "x.td:8:11: unknown name 'ggggggggg'\n"
     "      name6 = ggggggggg\n"
     "              ^\n"
     "x.td:9:11: unknown name 'hhhhhhhhh'\n"
     "      name7 = hhhhhhhhh\n"
     "              ^\n"
     "x.td:10:11: unknown name 'iiiiiiiii'\n"
     "      name8 = iiiiiiiii\n"
     "              ^\n"
     "x.td:11:11: unknown name 'jjjjjjjjj'\n"
     "      name9 = jjjjjjjjj\n"
     "              ^\n"
     "x.td:12:12: unknown name 'kkkkkkkkk'\n"
     "      name10 = kkkkkkkkk\n"
     "               ^\n"
     "x.td:13:12: unknown name 'lllllllll'\n"
     "      name11 = lllllllll\n"
     "               ^\n"
     "x.td:14:12: unknown name 'mmmmmmmmm'\n"
     "      name12 = mmmmmmmmm\n"
     "               ^\n"
     "x.td:15:12: unknown name 'nnnnnnnnn'\n"
     "      name13 = nnnnnnnnn\n"
     "               ^\n"
     "x.td:16:12: unknown name 'ooooooooo'\n"
     "      name14 = ooooooooo\n"
     "               ^\n"
     "x.td:17:12: unknown name 'ppppppppp'\n"
     "      name15 = ppppppppp\n"
     "               ^\n"
     "x.td:18:12: unknown name 'qqqqqqqqq'\n"
     "      name16 = qqqqqqqqq\n"
     "               ^\n"
     "x.td:19:12: unknown name 'rrrrrrrrr'\n"
     "      name17 = rrrrrrrrr\n"
     "               ^\n"
     "x.td:20:12: unknown name 'sssssssss'\n"
     "      name18 = sssssssss\n"
     "               ^\n"
     "x.td:21:12: unknown name 'ttttttttt'\n"
     "      name19 = ttttttttt\n"
     "               ^\n"
     "3 more errors are not shown\n"},
    {"strategy a on bars(1m)\n"
     "  x = close \377\n",
     "x.td:2:13: this byte is not UTF-8\n"
     "      x = close \377\n"
     "                ^\n"},
    /* clang-format on */
};

static void test_messages(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) rig_refuses(cases[i].text, cases[i].errors);
}

static void test_files(void **state) { /* errors stand in the order of the texts, each with its own name */
    (void)state;
    const td_source_text texts[] = {
        {"a.td", TD_TEXT("strategy a on bars(1m)\n  x = clos\n")},
        {"b.td", TD_TEXT("strategy a on bars(5m)\n  x = close +\n")},
    };
    td_graph **graphs = NULL;
    size_t count = 1;
    td_buf errors = {0};
    assert_int_equal(td_lang_compile(texts, 2, &graphs, &count, &errors), TD_CONFIG);
    assert_int_equal(count, 0);
    td_buf_put(&errors, "", 1);
    assert_string_equal((const char *)errors.data,
                        "a.td:2:7: unknown name 'clos'; did you mean 'close'?\n"
                        "      x = clos\n"
                        "          ^\n"
                        "b.td:1:10: strategy 'a' is already defined, in a.td:1\n"
                        "    strategy a on bars(5m)\n"
                        "             ^\n"
                        "b.td:2:14: expected a number, a name or '(', found the end of the line\n"
                        "      x = close +\n"
                        "                 ^\n");
    td_buf_fini(&errors);
}

static void test_cuts(void **state) { /* a text cut anywhere, or with a byte changed, is an error or not: never worse */
    (void)state;
    static const char whole[] = "strategy a on bars(1m) for X:A, Y:*\n  param n = 5 in 1..9 step 2\n"
                                "  f = sma(close, n)[1] * 1.5%\n  c = crossover(f, nz(ema(low, 3), 2)) and not f > 3\n"
                                "  buy qty 2 when if c then f > 1 else f <= -2 note \"yes\"\n  exit when f / 0 == 1\n";
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        char text[sizeof whole];
        memcpy(text, whole, sizeof whole);
        text[i] = '\0';
        td_buf errors = {0};
        td_graph_free(rig_compile(text, &errors));
        for (const char *c = "\n\"(#.9x\x80"; *c != '\0'; c++) {
            memcpy(text, whole, sizeof whole);
            text[i] = *c;
            errors.size = 0;
            td_graph_free(rig_compile(text, &errors));
        }
        td_buf_fini(&errors);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
