/* web/feeds.js - the page of the feeds: a row for each connection, its session and why the last one ended. */
import { ask } from './api.js';
import { clock, compact, element, lasting, seconds } from './format.js';

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 1000;

const known = (value, text) => (value === null || value === undefined ? '–' : text(value));
const ofRun = (name) => (feed) => known(feed.run?.[name], compact);
const when = (ns) => clock('UTC', seconds(ns));

const columns = [ // minor ones are left out on narrow screens
  ['Feed', (feed) => feed.name],
  ['Session', (feed) => sessionOf(feed)],
  ['Events/s', (feed) => known(feed.rate, compact)],
  ['Newest event', (feed) => known(feed.event_ns, when)],
  ['Lag', (feed) => (feed.event_ns === null ? '–' : lasting(Math.round(Math.max(0, feed.clock_ns - feed.event_ns) / 1e6) * 1e6))],
  ['Behind', ofRun('lag_records')], // records of a topic of others
  ['Open gaps', (feed) => compact(feed.open_gaps)],
  ['Sessions', ofRun('sessions')],
  ['Failures', ofRun('failures')],
  ['Last end', (feed) => (feed.run?.end_ns ? `${when(feed.run.end_ns)}  ${feed.run.end_reason}` : '–'), 'words'],
  ['Events', ofRun('events'), 'minor'],
  ['Rejected', ofRun('rejected'), 'minor'],
  ['Backfilled', ofRun('backfilled'), 'minor'],
];

/* A session that ended is known here before the log says so. */
function sessionOf(feed) {
  if (feed.run?.up === false) return feed.run.sessions > 0 ? 'down' : 'connecting';
  return feed.session === 'unknown' ? '–' : feed.session;
}

/* Events per second since the answer before, by feed. */
let before = { at: 0, events: new Map() };

function addRates(feeds) {
  const at = performance.now();
  for (const feed of feeds) {
    const past = before.events.get(feed.name);
    feed.rate = past === undefined || !feed.run ? null : Math.max(0, (feed.run.events - past) * 1000 / (at - before.at));
  }
  before = { at, events: new Map(feeds.filter((feed) => feed.run).map((feed) => [feed.name, feed.run.events])) };
}

function rowOf(feed) {
  const line = element('tr', feed.open_gaps > 0 ? 'odd' : '', '', { 'data-session': sessionOf(feed) });
  line.append(...columns.map(([, text, kind]) => element('td', kind ?? '', text(feed))));
  return line;
}

function show({ feeds, open_gaps: open }) {
  addRates(feeds);
  const live = feeds.filter((feed) => feed.run?.up !== undefined);
  const up = live.filter((feed) => feed.run.up).length;
  $('up').textContent = live.length ? `${up} of ${live.length}` : 'none';
  $('up').dataset.state = up === live.length ? 'live' : up > 0 ? 'connecting' : 'lost';
  $('rate').textContent = compact(feeds.reduce((sum, feed) => sum + (feed.rate ?? 0), 0));
  $('open').textContent = compact(open);
  $('table').replaceChildren(...feeds.map(rowOf));
}

async function refresh() {
  try {
    show(await ask('status'));
    $('banner').hidden = true;
  } catch (error) {
    $('banner').hidden = false;
    $('banner').textContent = `No answer: ${error.message}. Asking again …`;
  }
  setTimeout(refresh, AGAIN_MS);
}

$('head').append(...columns.map(([name, , kind]) => element('th', kind ?? '', name)));
refresh();
