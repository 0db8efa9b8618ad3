/* web/quality.js - the page of the data's quality: a row per instrument and day, its anomalies in words below it. */
import { ask } from './api.js';
import { compact, element, price } from './format.js';

const $ = (id) => document.getElementById(id);
const LIMIT = 200;
const READING_MS = 500; // while the log is still being read
const LEVEL_MS = 5000;

const percent = (part, all) => (all > 0 ? `${((100 * part) / all).toFixed(2)} %` : '–');
const events = (row) => row.trades + row.quotes + row.prices;
const sum = (reasons, but) => Object.entries(reasons).reduce((n, [name, count]) => n + (name === but ? 0 : count), 0);

const columns = [
  ['Instrument', (row) => row.instrument],
  ['Feed', (row) => row.feed],
  ['Day', (row) => row.day],
  ['Trades', (row) => compact(row.trades)],
  ['Quotes', (row) => compact(row.quotes)],
  ['Prices', (row) => compact(row.prices)],
  ['Events/s', (row) => compact(row.events_per_second)],
  ['Peak/s', (row) => compact(row.peak_events_per_second)],
  ['No side', (row) => percent(row.no_bid + row.no_ask, 2 * row.quotes)],
  ['Spread', (row) => price(row.spread_median)],
  ['Crossed', (row) => percent(row.crossed, row.two_sided)],
  ['Doubled', (row) => percent(row.duplicates, row.trades)],
  ['Late', (row) => percent(row.late, events(row))],
  ['Refused', (row) => percent(sum(row.quarantined, 'late'), events(row))],
  ['Delay p99', (row) => `${compact(row.delay_p99_ms)} ms`],
  ['Silence', (row) => `${compact(row.silence_s)} s`],
];

function rowOf(row) {
  const line = element('tr', row.anomalies.length ? 'odd' : '');
  if (row.instrument) {
    line.append(...columns.map(([, text]) => element('td', '', text(row))));
  } else {
    const rejected = Object.entries(row.rejected).map(([reason, n]) => `${compact(n)} ${reason}`).join(', ');
    line.append(element('td', '', '–'), element('td', '', row.feed), element('td', '', row.day),
      element('td', 'words', `rejected: ${rejected}`, { colspan: String(columns.length - 3) }));
  }
  const words = row.anomalies.map((anomaly) => {
    const below = element('tr', 'why');
    below.append(element('td', 'words', anomaly.text, { colspan: String(columns.length) }));
    return below;
  });
  return [line, ...words];
}

function show(answer) {
  $('rows').textContent = compact(answer.row_count);
  $('anomalous').textContent = compact(answer.anomalous);
  $('read').dataset.state = answer.complete ? 'live' : 'connecting';
  $('read').textContent = answer.complete ? 'all' : percent(answer.read_records, answer.all_records);
  const none = element('tr', '');
  none.append(element('td', 'words', answer.complete ? 'Nothing of that day.' : 'The log is being read.',
    { colspan: String(columns.length) }));
  $('table').replaceChildren(...(answer.rows.length ? answer.rows.flatMap(rowOf) : [none]));
  document.body.dataset.complete = String(answer.complete);
}

let turn = 0;

async function refresh() {
  const mine = ++turn; // another day was chosen meanwhile: that answer counts
  let wait = LEVEL_MS;
  try {
    const day = $('day').value;
    const answer = await ask('profile', { limit: LIMIT, ...(day ? { day } : {}) });
    if (mine !== turn) return;
    show(answer);
    $('banner').hidden = true;
    if (!answer.complete) wait = READING_MS;
  } catch (error) {
    if (mine !== turn) return;
    $('banner').hidden = false;
    $('banner').textContent = `No answer: ${error.message}. Asking again …`;
  }
  setTimeout(() => { if (mine === turn) refresh(); }, wait);
}

$('head').append(...columns.map(([name]) => element('th', '', name)));
$('day').addEventListener('change', refresh);
refresh();
