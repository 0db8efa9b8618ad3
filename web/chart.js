/* web/chart.js - candles, volume, strategy lines and markers of one series of bars. The chart library knows no time
 * zones: every time it gets is shifted to the exchange's wall clock, and back for what leaves here. */
import * as lw from './lightweight-charts.mjs';
import { decimals, element, lasting, offset, price, seconds } from './format.js';
import { Overlay } from './overlay.js';

const LINE_COLORS = {
  dark: ['#e8b04b', '#5aa9f7', '#c78bf0', '#f08a5d', '#6fd3d8', '#d6d36a', '#f28cb8', '#9fb4c7'],
  light: ['#a86e00', '#1f6fc4', '#7a4bc4', '#c2531b', '#11808a', '#7a7700', '#b83b78', '#4d6478'],
};
const REACH = 36; // pixels between a marker's candle and a click that means the marker
const LOOKS = { // of a signal's marker, by its action
  buy: ['belowBar', 'arrowUp', '--up'], cover: ['belowBar', 'arrowUp', '--up'],
  sell: ['aboveBar', 'arrowDown', '--down'], short: ['aboveBar', 'arrowDown', '--short'],
  exit: ['aboveBar', 'circle', '--down'], alert: ['aboveBar', 'square', '--accent'],
};
const BARS_KEPT = 20000;
const COUNTED = 1e9; // the API numbers the widths of bars by count from there on, in what are seconds of others

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* What is shown of a bar already is final, or a later revision. */
const outdated = (bar, shown) => shown !== undefined && !shown.provisional
  && (bar.provisional || bar.row.revision < shown.row.revision);

export class Chart {
  /* `older` is called when the left edge comes near; `hover` with the bar's start in seconds, or null. */
  constructor(container, older, hover) {
    this.older = older;
    this.bars = []; // ascending: {time (shifted), start, open, high, low, close, volume, row}
    this.lines = new Map(); // key -> {series, strategy, name, hidden, values}
    this.markers = [];
    this.gaps = [];
    this.overlay = new Overlay(() => this.#laidOver());
    this.api = lw.createChart(container, { autoSize: true, ...this.#look() });
    this.candles = this.api.addSeries(lw.CandlestickSeries, { priceLineStyle: lw.LineStyle.Dotted });
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.13, bottom: 0.24 } });
    this.volume = this.api.addSeries(lw.HistogramSeries, { priceScaleId: 'volume', priceFormat: { type: 'volume' },
      lastValueVisible: false, priceLineVisible: false });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.marks = lw.createSeriesMarkers(this.candles, []);
    this.candles.attachPrimitive(this.overlay);
    this.api.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range && range.from < 40 && this.bars.length) this.older();
      this.onmove?.(this.following());
    });
    this.api.subscribeCrosshairMove((event) => {
      const bar = event.time === undefined ? null : this.#at(event.time);
      hover(bar, event.point ?? null);
    });
    this.api.subscribeClick((event) => {
      const signal = this.#signalAt(event);
      if (signal) this.onmarker?.(signal.id);
    });
    this.paint();
  }

  /* A new series: nothing of the old one stays. */
  reset(zone, width) {
    this.zone = zone;
    this.width = width; // seconds; of bars by count more than of any by time
    this.counted = width >= COUNTED;
    this.bars = [];
    this.dropLines();
    this.markers = [];
    this.gaps = [];
    this.digits = 2;
    this.#draw();
    this.api.applyOptions({ timeScale: { secondsVisible: width < 60 || this.counted } });
    this.api.timeScale().applyOptions({ rightOffset: 6, barSpacing: 8 });
  }

  /* Rows of history or of the stream, in any order; a start that is there already is replaced, unless by a bar in the
   * making or by an earlier revision. Returns how many starts were new. */
  add(rows, provisional = false) {
    const last = this.bars.at(-1);
    const fresh = rows.map((row) => this.#bar(row, provisional));
    const one = fresh.length === 1 ? fresh[0] : null;
    if (one && last && one.start >= last.start) return this.#tail(one, last);
    const merged = new Map(this.bars.map((bar) => [bar.start, bar]));
    const before = merged.size;
    for (const bar of fresh) {
      if (!outdated(bar, merged.get(bar.start))) merged.set(bar.start, bar);
    }
    this.bars = [...merged.values()].sort((a, b) => a.start - b.start);
    this.#draw();
    return merged.size - before;
  }

  /* The usual case by far: the newest bar grows, becomes final, or is followed by the next. */
  #tail(bar, last) {
    const same = bar.start === last.start;
    if (same && outdated(bar, last)) return 0;
    if (same) this.bars.pop();
    this.bars.push(bar);
    this.candles.update(bar);
    this.volume.update(this.#column(bar));
    this.overlay.change();
    if (this.bars.length > BARS_KEPT + 2000 && this.following()) {
      this.bars = this.bars.slice(-BARS_KEPT);
      this.#draw();
      this.ontrim?.(this.bars[0].row);
    }
    return same ? 0 : 1;
  }

  #bar(row, provisional) {
    const start = seconds(row.start_ns);
    this.#precise(row);
    const bar = { time: start + offset(this.zone, start), start, open: Number(row.open), high: Number(row.high),
      low: Number(row.low), close: Number(row.close), volume: Number(row.volume), row, provisional };
    return Object.assign(bar, this.#colors(bar));
  }

  /* Of a bar in the making soft; of one that a gap lies over hollow; of one that was repaired with another frame. */
  #colors({ open, close, row, provisional }) {
    const way = close >= open ? '--up' : '--down';
    if (row.quality === 'partial') return { color: `${css(way)}00`, borderColor: css(way), wickColor: css(way) };
    if (provisional) return { color: css(`${way}-soft`) };
    if (row.quality === 'repaired') return { borderColor: css('--accent'), wickColor: css('--accent') };
    return {};
  }

  /* As many decimals as the prices have, so that no digit is hidden. */
  #precise(row) {
    const digits = Math.min(8, Math.max(decimals(row.close), decimals(row.open)));
    if (digits <= this.digits) return;
    this.digits = digits;
    this.candles.applyOptions({ priceFormat: { type: 'price', precision: digits, minMove: 10 ** -digits } });
  }

  #column(bar) {
    return { time: bar.time, value: bar.volume, color: css(bar.close >= bar.open ? '--up-soft' : '--down-soft') };
  }

  #draw() {
    const colors = { up: css('--up-soft'), down: css('--down-soft') };
    this.candles.setData(this.bars);
    this.volume.setData(this.bars.map((bar) => ({ time: bar.time, value: bar.volume,
      color: bar.close >= bar.open ? colors.up : colors.down })));
    for (const line of this.lines.values()) line.series.setData(this.#points(line));
    this.#mark();
  }

  /* ---- strategy lines ---- */

  dropLines() {
    for (const line of this.lines.values()) this.api.removeSeries(line.series);
    this.lines.clear();
  }

  addLines(lines) {
    for (const { strategy, name, points } of lines) {
      const key = `${strategy} ${name}`;
      const known = points.filter(([, value]) => value !== null).map(([ns, value]) => [seconds(ns), value]);
      if (!this.lines.has(key)) {
        if (known.length) this.#newLine(key, strategy, name, known);
        continue;
      }
      const line = this.lines.get(key);
      const newest = line.newest;
      for (const [start, value] of known) line.values.set(start, value);
      line.newest = Math.max(newest, known.at(-1)?.[0] ?? newest);
      if (known.length && known[0][0] >= newest) {
        for (const [start, value] of known) line.series.update({ time: start + offset(this.zone, start), value });
      } else {
        line.series.setData(this.#points(line));
      }
    }
  }

  #newLine(key, strategy, name, known) {
    const values = new Map(known);
    const middle = known[known.length >> 1][1];
    const close = this.bars.at(-1)?.close ?? middle;
    const beside = middle > close / 2 && middle < close * 2; // another unit gets a pane of its own
    const order = this.lines.size;
    const options = { lineWidth: 1.5, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false,
      color: this.#lineColor(order),
      ...(beside ? { priceFormat: this.candles.options().priceFormat, autoscaleInfoProvider: (own) => this.#near(own()) }
        : {}) };
    const series = this.api.addSeries(lw.LineSeries, options, beside ? 0 : 1);
    if (!beside) this.api.panes()[1]?.setStretchFactor(0.22);
    const line = { series, strategy, name, order, values, newest: known.at(-1)[0], hidden: false };
    this.lines.set(key, line);
    series.setData(this.#points(line));
  }

  /* A line may widen the scale by a sixth of what the candles need, no more: a far stop must not flatten them. */
  #near(own) {
    const range = this.api.timeScale().getVisibleLogicalRange();
    if (!own?.priceRange || !range) return own;
    const seen = this.bars.slice(Math.max(0, Math.floor(range.from)), Math.ceil(range.to) + 1);
    if (!seen.length) return own;
    const low = seen.reduce((least, bar) => Math.min(least, bar.low), Infinity);
    const high = seen.reduce((most, bar) => Math.max(most, bar.high), -Infinity);
    const room = (high - low) / 6;
    const minValue = Math.max(own.priceRange.minValue, low - room);
    const maxValue = Math.min(own.priceRange.maxValue, high + room);
    return minValue < maxValue ? { priceRange: { minValue, maxValue } } : null;
  }

  #points(line) {
    const first = this.bars[0]?.start ?? Infinity;
    const starts = [...line.values.keys()].filter((start) => start >= first).sort((a, b) => a - b);
    return starts.map((start) => ({ time: start + offset(this.zone, start), value: line.values.get(start) }));
  }

  #lineColor(order) {
    const colors = LINE_COLORS[document.documentElement.dataset.theme];
    return colors[order % colors.length];
  }

  toggleLine(key) {
    const line = this.lines.get(key);
    line.hidden = !line.hidden;
    line.series.applyOptions({ visible: !line.hidden });
  }

  /* ---- markers ---- */

  setSignals(signals) {
    this.markers = signals;
    this.#mark();
  }

  /* The bar that fired is the one that ends at the event; on another width, the bar that holds its last instant. */
  barOf(signal) {
    return this.startAt(seconds(signal.event_ns) - (this.counted ? 5e-7 : 0.001));
  }

  /* Begin of the bar that holds the instant; of one that is not here, as if no session cut it. */
  startAt(second) {
    const bar = this.bars[this.#indexOf(second)];
    return bar && bar.start <= second ? bar.start : Math.floor(second / this.width) * this.width;
  }

  setGaps(gaps) {
    this.gaps = gaps;
    this.overlay.change();
  }

  /* Index of the first bar that ends behind that instant. */
  #indexOf(second) {
    let low = 0;
    let high = this.bars.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#endOf(this.bars[middle]) <= second) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #endOf(bar) {
    return seconds(bar.row.end_ns);
  }

  gapsAt(bar) {
    return this.gaps.filter((gap) => seconds(gap.from_ns) < this.#endOf(bar)
      && (gap.to_ns === null || seconds(gap.to_ns) >= bar.start));
  }

  /* Bands of gaps and arrows of withheld signals, by the index of their bars. */
  #laidOver() {
    const first = this.bars[0]?.start ?? Infinity;
    const last = this.bars.length - 1;
    const shown = this.gaps.filter((gap) => gap.to_ns === null || seconds(gap.to_ns) >= first);
    const bands = shown.map((gap) => ({ status: gap.status, from: this.#indexOf(seconds(gap.from_ns)),
      to: gap.to_ns === null ? Infinity : Math.min(this.#indexOf(seconds(gap.to_ns)), last),
      label: gap.to_ns === null ? 'open' : lasting(gap.to_ns - gap.from_ns) }));
    const arrows = (this.shown ?? []).filter((s) => s.status === 'withheld').map((s) => {
      const [position, , color] = LOOKS[s.action];
      const index = this.#indexOf(this.barOf(s));
      const up = position === 'belowBar';
      const bar = this.bars[index];
      return { index, up, color, price: up ? bar?.low : bar?.high };
    });
    return { bands, arrows: arrows.filter((arrow) => arrow.price !== undefined) };
  }

  #mark() {
    const first = this.bars[0]?.start ?? Infinity;
    this.shown = this.markers.filter((s) => LOOKS[s.action] && s.status !== 'withdrawn' && this.barOf(s) >= first);
    this.shown.sort((a, b) => a.event_ns - b.event_ns);
    this.marks.setMarkers(this.shown.filter((s) => s.status !== 'withheld').map((s) => {
      const [position, shape, color] = LOOKS[s.action];
      const start = this.barOf(s);
      return { time: start + offset(this.zone, start), position, shape, color: css(color), id: s.id, size: 1.2 };
    }));
    this.overlay.change();
  }

  /* The one whose marker stands within reach of the point. */
  #signalAt({ time, point }) {
    const bar = time === undefined ? null : this.#at(time);
    const away = (s) => Math.abs(point.y - this.candles.priceToCoordinate(
      LOOKS[s.action][0] === 'belowBar' ? bar.low : bar.high));
    return bar && this.signalsAt(bar.start).find((s) => away(s) < REACH);
  }

  signalsAt(start) {
    return this.shown?.filter((s) => this.barOf(s) === start) ?? [];
  }

  /* ---- where one looks ---- */

  following() {
    const range = this.api.timeScale().getVisibleLogicalRange();
    return !range || range.to >= this.bars.length - 2;
  }

  toNewest() {
    const range = this.api.timeScale().getVisibleLogicalRange();
    const to = this.bars.length + 5;
    this.api.timeScale().setVisibleLogicalRange({ from: to - (range.to - range.from), to });
  }

  fit() { // the newest bars at the right, about 160 of them in view
    const time = this.api.timeScale();
    time.applyOptions({ rightOffset: 6, barSpacing: Math.min(14, Math.max(3, time.width() / 166)) });
    time.scrollToPosition(6, false);
  }

  center(start) {
    const index = this.bars.findIndex((bar) => bar.start >= start);
    if (index < 0) return null;
    const to = Math.min(index + 60, this.bars.length + 5);
    this.api.timeScale().setVisibleLogicalRange({ from: to - 120, to });
    return this.bars[index];
  }

  /* Pixels of a bar inside the chart, for what is laid over it. */
  place(bar) {
    return { x: this.api.timeScale().timeToCoordinate(bar.time), y: this.candles.priceToCoordinate(bar.high) };
  }

  #at(time) {
    let low = 0;
    let high = this.bars.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.bars[middle].time < time) low = middle + 1;
      else high = middle;
    }
    return this.bars[low]?.time === time ? this.bars[low] : null;
  }

  /* ---- looks ---- */

  #look() {
    const [text, grid, line, panel] = ['--dim', '--grid', '--line', '--panel'].map(css);
    return {
      layout: { background: { type: lw.ColorType.Solid, color: panel }, textColor: text, fontSize: 11,
        fontFamily: css('--font'), attributionLogo: false, panes: { separatorColor: line } },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      crosshair: { mode: lw.CrosshairMode.Normal, vertLine: { color: text, labelBackgroundColor: css('--accent') },
        horzLine: { color: text, labelBackgroundColor: css('--accent') } },
      rightPriceScale: { borderColor: line, minimumWidth: 72 },
      timeScale: { borderColor: line, timeVisible: true, rightOffset: 6, minBarSpacing: 1 },
      localization: { locale: 'en-US' },
    };
  }

  paint() { // after a change of theme
    const [up, down] = [css('--up'), css('--down')];
    this.api.applyOptions(this.#look());
    this.candles.applyOptions({ upColor: up, borderUpColor: up, wickUpColor: up, downColor: down,
      borderDownColor: down, wickDownColor: down });
    for (const line of this.lines.values()) line.series.applyOptions({ color: this.#lineColor(line.order) });
    for (const bar of this.bars) Object.assign(bar, this.#colors(bar));
    this.#draw();
  }

  /* The line of figures above the candles: of the bar under the pointer, else of the newest. */
  legend(bar, target, toggled) {
    const shown = bar ?? this.bars.at(-1);
    target.replaceChildren();
    if (!shown) return;
    const row = element('div', 'row');
    const way = shown.close >= shown.open ? 'up' : 'down';
    for (const [name, value] of [['O', price(shown.row.open)], ['H', price(shown.row.high)],
      ['L', price(shown.row.low)], ['C', price(shown.row.close)]]) {
      const field = element('span', way);
      field.append(element('b', '', name), value);
      row.append(field);
    }
    for (const [name, value] of [['Vol', Number(shown.row.volume).toLocaleString('en-US')],
      ['VWAP', Number(shown.row.vwap).toFixed(this.digits)], ['Trades', shown.row.trade_count.toLocaleString('en-US')]]) {
      const field = element('span', '');
      field.append(element('b', '', name), value);
      row.append(field);
    }
    if (shown.provisional) row.append(element('span', 'dim', 'in the making'));
    if (shown.row.quality !== 'complete') row.append(element('span', shown.row.quality, shown.row.quality));
    const lines = element('div', 'row');
    for (const [key, line] of this.lines) lines.append(this.#lineLegend(key, line, bar, toggled));
    target.append(row, lines);
  }

  #lineLegend(key, line, bar, toggled) {
    const value = line.values.get(bar?.start ?? line.newest);
    const button = element('button', '', '', { type: 'button', 'aria-pressed': String(!line.hidden),
      title: 'Show or hide this line' });
    const swatch = element('i', '');
    swatch.style.background = this.#lineColor(line.order);
    const figure = value === undefined ? '–' : Number(value.toPrecision(9)).toLocaleString('en-US',
      { minimumFractionDigits: 2, maximumFractionDigits: Math.max(this.digits, 2) });
    button.append(swatch, element('b', '', `${line.strategy} ${line.name}`), figure);
    button.addEventListener('click', () => {
      this.toggleLine(key);
      toggled();
    });
    return button;
  }
}
