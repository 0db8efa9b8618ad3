/* web/refused.js - what rules refused, under the signals: asked for while it is unfolded, with a button that releases. */
import { ask, post } from './api.js';
import { clock, dayClock, element, parts, price, seconds } from './format.js';

const SHOWN = 200;
const AGAIN_MS = 5000;

export class Refused {
  constructor(box, list, count, zoneOf) {
    this.box = box;
    this.list = list;
    this.count = count;
    this.zoneOf = zoneOf;
    this.told = new Map(); // place: what its release came to
    box.addEventListener('toggle', () => this.#load());
    list.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) this.#release(button);
    });
    setInterval(() => this.#load(), AGAIN_MS);
  }

  async #load() {
    if (!this.box.open || document.hidden) return;
    try {
      const { quarantine } = await ask('quarantine', { limit: SHOWN });
      this.list.replaceChildren(...quarantine.reverse().map((row) => this.#node(row)));
      this.count.textContent = quarantine.length ? `${quarantine.length === SHOWN ? 'newest ' : ''}${quarantine.length}` : '';
      if (!quarantine.length) this.list.append(element('li', 'note', 'No rule has refused anything.'));
    } catch (error) {
      this.list.replaceChildren(element('li', 'note', error.message));
    }
  }

  #node(row) {
    const place = `${row.partition}/${row.offset}`;
    const zone = this.zoneOf(row.instrument);
    const at = seconds(row.event_ns);
    const [, symbol] = parts(row.instrument);
    const what = row.kind === 'trade' ? price(row.price) : `${row.bid_price ?? '–'} / ${row.ask_price ?? '–'}`;
    const item = element('li', 'refused', '', { title: `${place}  ${row.instrument}  ${dayClock(zone, at)} ${zone}` });
    item.append(element('span', 'what', `${symbol} ${what}`),
      element('span', 'why', row.missed ? `${row.reason} for ${row.missed}` : row.reason),
      element('span', 'when', clock(zone, at)));
    const told = this.told.get(place);
    if (told) item.append(element('span', 'told', told));
    else if (row.releasable) item.append(element('button', 'quiet', 'release', { type: 'button', 'data-place': place }));
    return item;
  }

  async #release(button) {
    const [partition, offset] = button.dataset.place.split('/').map(Number);
    button.disabled = true;
    try {
      const { events } = await post('quarantine/release', { positions: [{ partition, offset }] });
      this.told.set(button.dataset.place, events[0].state.replace('-', ' '));
    } catch (error) {
      this.told.set(button.dataset.place, error.message);
    }
    this.#load();
  }
}
