/* web/gaps.js - what is missing, under the signals: the newest gap first, open ones above all; a click leads there. */
import { clock, dayClock, element, lasting, parts, seconds } from './format.js';

const KEPT = 200; // rows; older ones are a question to the API

/* "7 missing, 2 came", or what is known of it. */
export function amount(gap) {
  const words = [gap.missing ? `${gap.missing.toLocaleString('en-US')} missing` : null,
    gap.filled > 0 ? `${gap.filled.toLocaleString('en-US')} came` : null];
  return words.filter(Boolean).join(', ');
}

export function span(gap) {
  return gap.to_ns === null ? 'its end is not known yet' : lasting(gap.to_ns - gap.from_ns);
}

export class Gaps {
  constructor(box, list, count, open, zoneOf) {
    Object.assign(this, { box, list, count, zoneOf });
    this.known = new Map(); // "instrument number": gap, in the order first told
    box.addEventListener('toggle', () => this.#show());
    list.addEventListener('click', (event) => {
      const node = event.target.closest('.gap');
      if (node) open(this.known.get(node.dataset.key));
    });
  }

  /* Rows as /gaps gives them; what is known already is told anew, unless by an answer that was on its way. */
  load(gaps) {
    for (const gap of gaps) {
      const key = `${gap.instrument} ${gap.number}`;
      if (!(this.known.get(key)?.known_at_ns > gap.known_at_ns)) this.known.set(key, gap);
    }
    for (const key of [...this.known.keys()].slice(0, Math.max(0, this.known.size - 5 * KEPT))) this.known.delete(key);
    this.#show();
  }

  of(instrument) {
    return [...this.known.values()].filter((gap) => gap.instrument === instrument);
  }

  #show() {
    const newest = [...this.known.entries()].reverse();
    const open = newest.filter(([, gap]) => gap.status === 'open');
    this.count.textContent = open.length ? `${open.length} open of ${newest.length}` : newest.length || '';
    this.count.classList.toggle('open', open.length > 0);
    if (!this.box.open) return;
    const rows = [...open, ...newest.filter(([, gap]) => gap.status !== 'open')].slice(0, KEPT);
    this.list.replaceChildren(...rows.map(([key, gap]) => this.#node(key, gap)));
    if (!rows.length) this.list.append(element('li', 'note', 'Nothing is known to be missing.'));
  }

  #node(key, gap) {
    const zone = this.zoneOf(gap.instrument);
    const from = seconds(gap.from_ns);
    const [venue, symbol] = parts(gap.instrument);
    const node = element('button', 'gap', '', { type: 'button', 'data-key': key, 'data-status': gap.status,
      title: `${gap.instrument}, gap ${gap.number}, of ${gap.feed}\n${dayClock(zone, from)} ${zone}` });
    const what = element('span', 'what', `${symbol} `);
    what.append(element('small', '', venue));
    node.append(element('span', 'state', gap.status), what, element('span', 'when', clock(zone, from)),
      element('span', 'why', [gap.reason, span(gap), amount(gap)].filter(Boolean).join(' · ')));
    const item = element('li', '');
    item.append(node);
    return item;
  }
}
