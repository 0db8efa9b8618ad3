/* web/overlay.js - what is drawn with the candles and is none: bands behind them over the time of gaps, and hollow
 * arrows of signals that were withheld. A primitive of the chart library; it knows bars by their index. */
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const STRIPE = 7; // pixels between the stripes of a band
const LABEL = { room: 9, bottom: 0.81 }; // pixels that a band must have for it; its place, of the height
const ARROW = { half: 5, height: 8, away: 7 };

export class Overlay {
  constructor() {
    this.bands = []; // {from, to: indexes of bars, status, label}
    this.arrows = []; // {index, price, up, color: the name of a variable}
    const view = (zOrder, draw) => ({ zOrder: () => zOrder,
      renderer: () => ({ draw: (target) => target.useMediaCoordinateSpace((scope) => draw(scope)) }) });
    this.views = [view('bottom', (scope) => this.#drawBands(scope)), view('top', (scope) => this.#drawArrows(scope))];
  }

  /* ---- what the library calls ---- */

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, requestUpdate });
  }

  paneViews() {
    return this.views;
  }

  updateAllViews() {
    /* all is computed when it is drawn */
  }

  show(bands, arrows) {
    Object.assign(this, { bands, arrows });
    this.requestUpdate?.();
  }

  /* ---- drawing ---- */

  #drawBands({ context, mediaSize }) {
    const time = this.chart.timeScale();
    const half = time.options().barSpacing / 2;
    for (const { from, to, status, label } of this.bands) {
      const left = Math.max(time.logicalToCoordinate(from) - half, 0);
      const right = Math.min(time.logicalToCoordinate(to) + half, mediaSize.width);
      if (right <= left) continue;
      context.save();
      context.beginPath();
      context.rect(left, 0, right - left, mediaSize.height);
      context.clip();
      context.fillStyle = context.strokeStyle = css(status === 'filled' ? '--band-filled' : '--band');
      context.fill();
      context.beginPath();
      /* Stripes stand still with the chart's time, not with the window. */
      const start = left - ((left - time.logicalToCoordinate(0)) % STRIPE) - mediaSize.height;
      for (let x = start; status !== 'filled' && x < right; x += STRIPE) {
        context.moveTo(x, mediaSize.height);
        context.lineTo(x + mediaSize.height, 0);
      }
      context.stroke();
      context.restore();
      const room = right - left >= LABEL.room;
      if (room && status !== 'filled') this.#drawLabel(context, label, (left + right) / 2, mediaSize.height);
    }
  }

  /* How long it is, upwards between the candles and the volume: the axis does not show time without bars. */
  #drawLabel(context, label, x, height) {
    context.save();
    context.translate(x, height * LABEL.bottom);
    context.rotate(-Math.PI / 2);
    context.font = `11px ${css('--font')}`;
    context.textBaseline = 'middle';
    context.fillStyle = css('--accent');
    context.fillText(label, 0, 0);
    context.restore();
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
