/* web/signals.js - the feed on the right: the newest signal first; a click leads to its marker. */
import { clock, dayClock, element, parts, price, seconds, settle } from './format.js';

const KEPT = 400; // rows; older ones are a question to the API

export class Signals {
  constructor(list, only, count, open, zoneOf) {
    this.list = list;
    this.only = only;
    this.count = count;
    this.zoneOf = zoneOf;
    this.rows = []; // newest first: {data, node}
    this.known = new Set();
    this.total = 0;
    this.instrument = null;
    only.addEventListener('change', () => this.#filter());
    list.addEventListener('click', (event) => {
      const node = event.target.closest('.signal');
      if (node) open(this.rows.find((row) => row.node === node).data);
    });
  }

  load(signals) {
    const fresh = signals.filter((s) => this.#isNew(s)).map((data) => ({ data, node: this.#node(data, false) }));
    this.rows.push(...fresh);
    this.rows.sort((a, b) => b.data.appended_ms - a.data.appended_ms || b.data.event_ns - a.data.event_ns);
    this.#show();
  }

  add(data) {
    if (!this.#isNew(data)) return;
    this.rows.unshift({ data, node: this.#node(data, true) });
    this.#show();
  }

  focus(instrument) {
    this.instrument = instrument;
    this.#filter();
  }

  /* One signal has one row per status: sent, and perhaps withdrawn later. */
  #isNew(s) {
    const key = `${s.id} ${s.status}`;
    if (s.action === 'emit' || this.known.has(key)) return false; // what is emitted is a stream for programs
    this.known.add(key);
    this.total++;
    return true;
  }

  #node(s, fresh) {
    const zone = this.zoneOf(s.instrument);
    const at = seconds(s.event_ns);
    const node = element('button', fresh ? 'signal new' : 'signal', '', {
      type: 'button', title: `${s.id}\n${dayClock(zone, at)} ${zone}`, 'data-status': s.status });
    const status = s.status === 'fresh' ? '' : `${s.status}${s.reason ? `: ${s.reason}` : ''} · `;
    const [venue, symbol] = parts(s.instrument);
    const what = element('span', 'what', `${symbol} `);
    what.append(element('small', '', venue));
    node.append(
      element('span', 'action', s.action, { 'data-action': s.action }),
      what,
      element('span', 'at', price(s.price)),
      element('span', 'why', `${status}${s.strategy} → ${s.target.replace('-', '−')}${s.note ? ` · ${s.note}` : ''}`),
      element('span', 'when', clock(zone, at)),
    );
    const item = element('li', '');
    item.append(node);
    return node;
  }

  #show() {
    for (const gone of this.rows.splice(KEPT)) this.known.delete(`${gone.data.id} ${gone.data.status}`);
    settle(this.list, this.rows.map((row) => row.node.parentNode));
    this.#filter();
  }

  #filter() {
    let shown = 0;
    for (const { data, node } of this.rows) {
      node.parentNode.hidden = this.only.checked && data.instrument !== this.instrument;
      shown += !node.parentNode.hidden;
    }
    this.list.dataset.shown = shown;
    this.count.textContent = this.total ? String(this.total) : '';
    this.list.querySelector('.note')?.remove();
    if (shown > 0) return;
    const words = this.rows.length ? 'No signal of this instrument yet.'
      : 'No signal yet. Strategies speak when a bar has closed and their condition becomes true.';
    this.list.append(element('li', 'note', words));
  }
}
