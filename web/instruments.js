/* web/instruments.js - the list on the left: last price, change, the day's shape; search and keyboard. */
import { brief, direction, element, parts, settle, signed } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';

function sparkline(svg, values) {
  svg.replaceChildren();
  if (!values || values.length < 2) return;
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const points = values.map((v, i) => `${((i / (values.length - 1)) * 56).toFixed(1)},${(24 - ((v - low) / span) * 22)
    .toFixed(1)}`);
  const line = document.createElementNS(SVG, 'polyline');
  line.setAttribute('points', points.join(' '));
  svg.append(line);
}

export class Instruments {
  constructor(list, search, count, choose) {
    this.list = list;
    this.search = search;
    this.count = count;
    this.choose = choose;
    this.rows = new Map(); // name -> {data, node, …}
    this.chosen = null;
    list.addEventListener('click', (event) => {
      const node = event.target.closest('.instrument');
      if (node) choose(node.dataset.name);
    });
    for (const field of [list, search]) field.addEventListener('keydown', (event) => this.#key(event));
    search.addEventListener('input', () => this.#filter());
    addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.target.closest('[type=search]')) return;
      event.preventDefault();
      search.focus();
    });
  }

  /* Rows in full, as /instruments gives them. */
  load(instruments) {
    for (const data of instruments) this.#row(data.instrument).update(data);
    this.#sort();
  }

  /* Prices only, as the stream gives them. True when an instrument was not known before: ask for the rows in full. */
  tick(instruments) {
    let fresh = false;
    for (const data of instruments) {
      fresh ||= !this.rows.has(data.instrument);
      this.#row(data.instrument).update(data);
    }
    if (fresh) this.#sort();
    return fresh;
  }

  get(name) {
    return this.rows.get(name)?.data;
  }

  names() {
    return [...this.rows.keys()];
  }

  mark(name) {
    this.rows.get(this.chosen)?.node.setAttribute('aria-selected', 'false');
    this.chosen = name;
    const node = this.rows.get(name)?.node;
    if (!node) return;
    node.setAttribute('aria-selected', 'true');
    this.list.setAttribute('aria-activedescendant', node.id);
    node.scrollIntoView({ block: 'nearest' });
  }

  #row(name) {
    if (this.rows.has(name)) return this.rows.get(name);
    const [venue, symbol] = parts(name);
    const node = element('div', 'instrument', '', { role: 'option', id: `instrument-${this.rows.size}`,
      'aria-selected': 'false', title: name });
    node.dataset.name = name;
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', '0 0 56 26');
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('aria-hidden', 'true');
    const last = element('span', 'price');
    const move = element('span', 'move');
    node.append(element('span', 'name', symbol), element('span', 'venue', venue), svg, last, move);
    const row = { node, data: { instrument: name }, update: (data) => this.#update(row, svg, last, move, data) };
    this.rows.set(name, row);
    return row;
  }

  #update(row, svg, last, move, data) {
    const before = row.data.last;
    row.data = { ...row.data, ...data };
    if (data.last !== null && data.last !== before) {
      last.textContent = brief(data.last);
      if (before) {
        const rose = Number(data.last) > Number(before);
        last.classList.remove('rise', 'fall');
        void last.offsetWidth; // lets the same animation begin again
        last.classList.add(rose ? 'rise' : 'fall');
      }
    }
    if (data.change_percent !== null) {
      const way = direction(data.change_percent);
      move.textContent = `${signed(data.change_percent)} %`;
      move.className = `move ${way}`;
      svg.setAttribute('class', way);
    }
    if (data.spark) sparkline(svg, data.spark);
  }

  #sort() {
    const nodes = [...this.rows.values()].map((row) => row.node);
    nodes.sort((a, b) => (a.dataset.name < b.dataset.name ? -1 : 1));
    settle(this.list, nodes);
    this.#filter();
  }

  #filter() {
    const words = this.search.value.trim().toUpperCase().split(/\s+/);
    let shown = 0;
    for (const { node, data } of this.rows.values()) {
      node.hidden = !words.every((word) => data.instrument.toUpperCase().includes(word));
      shown += !node.hidden;
    }
    this.count.textContent = shown === this.rows.size ? String(shown) : `${shown} of ${this.rows.size}`;
  }

  #key(event) {
    const visible = [...this.list.children].filter((node) => !node.hidden);
    const at = visible.findIndex((node) => node.dataset.name === this.chosen);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: visible.length - 1, Enter: Math.max(at, 0) };
    if (event.key === 'Escape' && event.target === this.search) {
      this.search.value = '';
      this.#filter();
      this.list.focus();
    }
    if (!(event.key in to) || (event.target === this.search && ['Home', 'End'].includes(event.key))) return;
    event.preventDefault();
    const node = visible[Math.min(Math.max(to[event.key], 0), visible.length - 1)];
    if (node) this.choose(node.dataset.name);
  }
}
