/* web/format.js - numbers and times as people read them. Values stay the API's exact texts until they are shown. */

const zones = new Map(); // zone -> {format, offsets}

function zone(name) {
  if (!zones.has(name)) {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric',
      minute: 'numeric', second: 'numeric', timeZoneName: 'short',
    });
    zones.set(name, { format, hours: new Map() });
  }
  return zones.get(name);
}

/* Seconds to add to UTC for the exchange's wall time. Clocks change on the hour at most: one look per hour. */
export function offset(zoneName, seconds) {
  if (zoneName === 'UTC') return 0;
  const { format, hours } = zone(zoneName);
  const hour = Math.floor(seconds / 3600);
  if (!hours.has(hour)) {
    const part = Object.fromEntries(format.formatToParts(hour * 3600e3).map((p) => [p.type, Number(p.value)]));
    const wall = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) / 1000;
    if (hours.size > 5000) hours.clear();
    hours.set(hour, wall - hour * 3600);
  }
  return hours.get(hour);
}

/* "EDT", "UTC": what the zone is called at that instant. */
export function zoneLabel(zoneName, seconds) {
  if (zoneName === 'UTC') return 'UTC';
  return zone(zoneName).format.formatToParts(seconds * 1000).find((p) => p.type === 'timeZoneName').value;
}

/* ns as JSON gives it (a double) to seconds, exact to the millisecond. */
export const seconds = (ns) => Math.round(ns / 1e6) / 1e3;

const iso = (s) => new Date(s * 1000).toISOString();
export const clock = (zoneName, s) => iso(s + offset(zoneName, s)).slice(11, 19);
export const dayClock = (zoneName, s) => iso(s + offset(zoneName, s)).slice(0, 19).replace('T', ' ');

/* A duration with the two largest units that it has: "6.27 s", "8 min 2 s", "2 h 5 min". */
export function lasting(ns) {
  const s = ns / 1e9;
  if (s < 60) return `${Number(s.toPrecision(3))} s`;
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  const first = units.findIndex(([, size]) => s >= size);
  const [[large, size], [small, part]] = units.slice(first, first + 2);
  const rest = Math.floor((s % size) / part);
  return `${Math.floor(s / size)} ${large}${rest ? ` ${rest} ${small}` : ''}`;
}

export function compact(n) {
  if (n < 10000) return Math.round(n).toLocaleString('en-US');
  for (const [unit, size] of [['B', 1e9], ['M', 1e6], ['k', 1e3]]) {
    if (n >= size) return `${(n / size).toFixed(n / size < 100 ? 1 : 0)}${unit}`;
  }
  return String(n);
}

/* Bytes in the units of the configuration, of 1024 each: "812 B", "3.4 MB". */
export function sized(bytes) {
  for (const [unit, size] of [['TB', 2 ** 40], ['GB', 2 ** 30], ['MB', 2 ** 20], ['KB', 2 ** 10]]) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(bytes / size < 100 ? 1 : 0))} ${unit}`;
  }
  return `${bytes} B`;
}

export const decimals = (text) => (text.includes('.') ? text.length - text.indexOf('.') - 1 : 0);

/* A decimal text with thousands separated and at least two decimals, all its own digits kept. */
export function price(text, least = 2) {
  if (text === null || text === undefined) return '–';
  const [whole, part = ''] = text.split('.');
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${part.padEnd(least, '0')}`;
}

/* As price, for a narrow column: of a long one seven digits, or all of its whole part. */
export function brief(text) {
  if (!text || text.length < 10) return price(text);
  const digits = Math.max(7, text.split('.')[0].length);
  return price(Number(text).toLocaleString('en-US', { maximumSignificantDigits: digits, useGrouping: false }));
}

/* "LEAN:IBM" as venue and symbol. */
export function parts(instrument) {
  const colon = instrument.indexOf(':');
  return [instrument.slice(0, colon), instrument.slice(colon + 1)];
}

export function signed(text) {
  return text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`;
}

export const direction = (text) => (!text || Number(text) === 0 ? '' : text.startsWith('-') ? 'down' : 'up');

/* An element with a class, a text and attributes: enough for every row on this page. */
export function element(tag, className, text = '', attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/* Makes these the node's children, in this order; those that stay are not touched, so that they keep focus and state,
 * and a button under a pressed mouse its click. */
export function settle(node, children) {
  const wanted = new Set(children);
  for (const child of [...node.children]) if (!wanted.has(child)) child.remove();
  let at = node.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else node.insertBefore(child, at);
  }
}
