/* web/api.js - asks the server: history and changes by fetch, what is new by one stream of server-sent events. */

async function get(path, parameters, signal, reviver) {
  const query = new URLSearchParams(parameters).toString();
  const url = path.startsWith('/') ? path : `/api/v1/${path}${query ? `?${query}` : ''}`;
  const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
  const answer = JSON.parse(await response.text(), reviver);
  if (!response.ok) throw new Error(answer.error?.message ?? `status ${response.status}`);
  return answer;
}

export const ask = (path, parameters = {}, signal = undefined) => get(path, parameters, signal);

/* The same, with integers that no double holds as they were written: they are shown, not reckoned with. */
export const askExact = (path, parameters = {}) => get(path, parameters, undefined, (_, value, context) => {
  const large = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return large && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
});

/* Asks for a change. The page's own origin and, where one is wanted, the token go along. */
export async function post(path, body) {
  const response = await fetch(`/api/v1/${path}`, {
    method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error?.message ?? `status ${response.status}`);
  return answer;
}

/* One stream at a time. The status event comes every second; without one for SILENCE_MS the link is called lost and
 * opened anew, which also covers a machine that slept. `on` maps events to functions; `link` hears live or lost. */
const SILENCE_MS = 6000;
const EVENTS = ['hello', 'instruments', 'bar', 'provisional', 'signal', 'gap', 'status', 'lost'];

export class Stream {
  constructor(on, link) {
    this.on = on;
    this.link = link;
    this.parameters = {};
    setInterval(() => this.#watch(), 1000);
  }

  open(parameters) {
    this.parameters = parameters;
    this.source?.close();
    this.heard = performance.now();
    const query = new URLSearchParams(parameters).toString();
    const source = new EventSource(`/api/v1/stream${query ? `?${query}` : ''}`);
    this.source = source;
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.heard = performance.now();
        if (name === 'hello') this.link('live');
        this.on[name]?.(JSON.parse(event.data));
      });
    }
    source.addEventListener('error', () => {
      if (source === this.source) this.link('lost');
    });
  }

  #watch() {
    if (!this.source || performance.now() - this.heard < SILENCE_MS) return;
    this.link('lost');
    this.open(this.parameters);
  }
}
