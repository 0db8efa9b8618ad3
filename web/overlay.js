/* web/overlay.js - what is drawn with the candles and is none: bands behind them over the time of gaps, and hollow
 * arrows of signals that were withheld. A primitive of the chart library; it knows bars by their index. */
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const STRIPE = 7; // pixels between the stripes of a band
const LABEL = { room: 9, bottom: 0.81 }; // pixels that a band must have for it; its place, of the height
const ARROW = { half: 5, height: 8, away: 7 };

export class Overlay {
  /* `look` says what is to be drawn; it is asked once a frame, however often that changes. */
  constructor(look) {
    this.look = look;
    this.bands = []; // {from, to: indexes of bars (Infinity: to the edge), status, label}
    this.arrows = []; // {index, price, up, color: the name of a variable}
    const view = (zOrder, draw) => ({ zOrder: () => zOrder,
      renderer: () => ({ draw: (target) => target.useMediaCoordinateSpace((scope) => draw(scope)) }) });
    this.views = [view('bottom', (scope) => this.#drawBands(scope)), view('top', (scope) => this.#drawLabels(scope)),
      view('top', (scope) => this.#drawArrows(scope))];
  }

  /* ---- what the library calls ---- */

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, requestUpdate });
  }

  paneViews() {
    return this.views;
  }

  updateAllViews() {
    /* all is computed when it is drawn, the bands first */
  }

  change() {
    this.stale = true;
    this.requestUpdate?.();
  }

  /* ---- drawing ---- */

  /* Pixels; null: out of sight. */
  #edges({ from, to }, width) {
    const time = this.chart.timeScale();
    const half = time.options().barSpacing / 2;
    const left = Math.max(time.logicalToCoordinate(from) - half, 0);
    const right = to === Infinity ? width : Math.min(time.logicalToCoordinate(to) + half, width);
    return left < right ? { left, right } : null;
  }

  #drawBands({ context, mediaSize: { width, height } }) {
    if (this.stale) Object.assign(this, this.look(), { stale: false });
    const origin = this.chart.timeScale().logicalToCoordinate(0);
    for (const band of this.bands) {
      const edges = this.#edges(band, width);
      if (!edges) continue;
      const { left, right } = edges;
      context.save();
      context.beginPath();
      context.rect(left, 0, right - left, height);
      context.clip();
      context.fillStyle = context.strokeStyle = css(band.status === 'filled' ? '--band-filled' : '--band');
      context.fill();
      context.beginPath();
      /* Stripes stand still with the chart's time, not with the window. */
      const start = left - ((left - origin) % STRIPE) - height;
      for (let x = start; band.status !== 'filled' && x < right; x += STRIPE) {
        context.moveTo(x, height);
        context.lineTo(x + height, 0);
      }
      context.stroke();
      context.restore();
    }
  }

  /* How long each is, upwards between the candles and the volume: the axis does not show time without bars. */
  #drawLabels({ context, mediaSize: { width, height } }) {
    context.font = `11px ${css('--font')}`;
    context.textBaseline = 'middle';
    for (const band of this.bands) {
      const edges = band.status === 'filled' ? null : this.#edges(band, width);
      if (!edges || edges.right - edges.left < LABEL.room) continue;
      context.save();
      context.translate((edges.left + edges.right) / 2, height * LABEL.bottom);
      context.rotate(-Math.PI / 2);
      context.fillStyle = css('--panel');
      context.fillRect(-3, -6, context.measureText(band.label).width + 6, 12);
      context.fillStyle = css('--accent');
      context.fillText(band.label, 0, 0);
      context.restore();
    }
  }

  #drawArrows({ context }) {
    context.lineWidth = 1.5;
    for (const { index, price, up, color } of this.arrows) {
      const x = this.chart.timeScale().logicalToCoordinate(index);
      const way = up ? 1 : -1;
      const tip = this.series.priceToCoordinate(price) + way * ARROW.away;
      context.strokeStyle = css(color);
      context.beginPath();
      context.moveTo(x, tip);
      context.lineTo(x - ARROW.half, tip + way * ARROW.height);
      context.lineTo(x + ARROW.half, tip + way * ARROW.height);
      context.closePath();
      context.stroke();
    }
  }
}
