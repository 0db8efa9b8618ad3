/* web/topics.js - the page of the topics: what the log holds, who reads it, and its records, decoded. What is shown is
 * in the page's address. Asked for again while the page is seen: records only when there are new ones. */
import { ask, askExact } from './api.js';
import { compact, element, lasting, settle, sized } from './format.js';

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 2000;
const LIST_EVERY = 3; // turns
const LIMIT = 50;
const LINE_MAX = 240;

const state = { topic: '', partition: '', where: 'newest', place: '', key: '', page: '' }; // page: the path of one that was turned to
let told = null; // of the topic: the newest answer
let pages = null; // of the records: the same
let shownEnd = -1; // where the topic ended when they were asked for
let wanted = true; // what is chosen has not been shown yet
let groups = { topic: '', groups: [], complete: true }; // of others: the newest answer
let asked = 0; // the newest question; answers to others count no more

// ---- the address ----

function readAddress() {
  const query = new URLSearchParams(location.search);
  for (const name of Object.keys(state)) state[name] = query.get(name) ?? (name === 'where' ? 'newest' : '');
  if (!['newest', 'offset', 'time'].includes(state.where)) state.where = 'newest';
  if (!state.page.startsWith(`/api/v1/topics/${state.topic}/`)) state.page = '';
}

function writeAddress() {
  const query = new URLSearchParams(Object.entries(state).filter(([name, value]) => value && !(name === 'where' && value === 'newest')));
  history.replaceState(null, '', `?${query}`);
}

// ---- the list ----

const entries = new Map(); // topic -> its button

function entryOf(topic) {
  if (!entries.has(topic.topic)) {
    const button = element('button', 'file topic', '', { type: 'button', 'data-name': topic.topic });
    button.append(element('b', '', topic.topic), element('small', 'dim'));
    button.addEventListener('click', () => choose(topic.topic));
    entries.set(topic.topic, button);
  }
  const button = entries.get(topic.topic);
  const bytes = topic.bytes === null ? '' : `, ${sized(topic.bytes)}`;
  button.lastChild.textContent = `${compact(topic.records)} in ${topic.partitions}${bytes}`;
  button.setAttribute('aria-current', String(topic.topic === state.topic));
  return button;
}

let topics = [];

function showTopics() {
  const word = $('search').value.trim().toLowerCase();
  settle($('topics'), topics.filter((topic) => topic.topic.toLowerCase().includes(word)).map(entryOf));
  const sum = (name) => topics.reduce((n, topic) => n + topic[name], 0);
  $('topic-count').textContent = compact(topics.length);
  $('record-count').textContent = compact(sum('records'));
  $('byte-count').textContent = topics.some((topic) => topic.bytes === null) ? '–' : sized(sum('bytes'));
}

// ---- one topic ----

function keeping({ ms, bytes, shared }) {
  if (ms === null && bytes === null) return 'keeps all';
  const size = bytes === null ? '' : `${sized(bytes)}${shared ? ' shared by all topics' : ''}`;
  return `keeps ${[ms === null ? '' : lasting(ms * 1e6), size].filter(Boolean).join(', ')}`;
}

function readerOf(reader, { start, end }) {
  const line = element('div', 'reader');
  const words = reader.lag > 0 ? `${compact(reader.lag)} behind` : 'level';
  line.append(element('span', '', reader.reader), element('progress', '', '', {
    max: String(Math.max(1, end - start)), value: String(Math.max(end > start ? 0 : 1, reader.offset - start)),
    'aria-label': `${reader.reader}: ${words}` }), element('span', reader.lag > 0 ? 'behind' : 'dim', `${words}, at ${reader.offset}`));
  return line;
}

const asReader = ({ group, ...place }) => ({ reader: `group ${group}`, ...place });

function partitionRow(offsets, readers) {
  const row = element('tr', '', '', { 'data-partition': String(offsets.partition) });
  for (const value of [offsets.partition, offsets.start, offsets.end, offsets.synced]) row.append(element('td', '', String(value)));
  row.append(element('td', '', compact(offsets.records)), element('td', '', offsets.bytes === null ? '–' : sized(offsets.bytes)));
  const cell = element('td', 'words', readers.length ? '' : '–');
  cell.append(...readers.map((reader) => readerOf(reader, offsets)));
  row.append(cell);
  return row;
}

function schemaOf({ subject, version, id, schema }, registry) {
  const text = `${subject}${version === null ? '' : ` version ${version}`}${schema ? ` (${schema})` : ''}`;
  if (id === null) return element('span', '', `${text}, not registered`);
  if (registry) return element('span', '', `${text}, id ${id}`);
  return element('a', '', `${text}, id ${id}`, { href: `registry/schemas/ids/${id}` });
}

function showSchemas({ schemas, registry }) {
  const list = schemas.flatMap((schema) => [' · ', schemaOf(schema, registry)]).slice(1);
  $('schemas').replaceChildren(schemas.length ? 'Schemas: ' : 'No schema is registered by this topic’s name.', ...list,
    registry ? ` · registry ${registry}` : '');
}

function showPartitions(count) {
  const select = $('partition');
  if (select.options.length === count + 1) return;
  select.replaceChildren(element('option', '', 'all', { value: '' }),
    ...Array.from({ length: count }, (_, p) => element('option', '', String(p), { value: String(p) })));
  select.value = state.partition;
}

function showTopic(topic) {
  told = topic;
  $('name').textContent = topic.topic;
  const others = groups.topic === topic.topic ? groups : { groups: [], complete: true };
  const readers = [...topic.readers, ...others.groups.map(asReader)];
  $('about').textContent = `${compact(topic.records)} records, ${keeping(topic.retention)}${others.complete ? '' : '; not all groups are told'}`;
  $('partitions').replaceChildren(...topic.offsets.map((offsets) =>
    partitionRow(offsets, readers.filter((reader) => reader.partition === offsets.partition))));
  showSchemas(topic);
  showPartitions(topic.partitions);
  document.body.dataset.topic = topic.topic;
  document.body.dataset.end = String(topic.end);
}

let asking = false; // for groups

/* Brokers may take their time: the page does not wait for them, and has but one question at them. An answer about a topic
 * that is left is none. */
async function askGroups() {
  if (asking) return;
  const { topic } = state;
  asking = true;
  const answer = await ask(`topics/${topic}/groups`).catch(() => ({ topic, groups: [], complete: false }));
  asking = false;
  if (topic === state.topic) groups = answer;
}

// ---- records ----

const lines = new Map(); // of those that are shown, by place: they stay while they are, open ones open

function causeOf(cause) {
  const [topic, partition, , offset] = (cause ?? '').split('/');
  if (offset === undefined) return element('span', '', cause ?? '–');
  const query = new URLSearchParams({ topic, partition, where: 'offset', place: offset });
  return element('a', '', cause, { href: `?${query}` });
}

function valueOf(record) {
  if (record.value_hex !== undefined) return [`${record.value_hex}  (${record.undecoded})`, `${record.undecoded}\n\n${record.value_hex}`];
  const text = JSON.stringify(record.value);
  const headers = record.headers ? `\n\nheaders ${JSON.stringify(record.headers, null, 2)}` : '';
  return [text, `${typeof record.value === 'string' ? record.value : JSON.stringify(record.value, null, 2)}${headers}`];
}

function timeOf(ms) {
  const at = new Date(Number(ms));
  return Number.isNaN(at.getTime()) ? String(ms) : at.toISOString().slice(0, 23).replace('T', ' '); // others write what they like
}

function recordRow(record) {
  const ms = record.timestamp?.rawJSON ?? record.timestamp;
  const place = `${record.topic}/${record.partition}/${record.offset}/${ms}`;
  if (lines.has(place)) return lines.get(place);
  const row = element('tr', '', '', { 'data-offset': String(record.offset), 'data-partition': String(record.partition) });
  const [brief, whole] = valueOf(record);
  const details = element('details', record.value_hex === undefined ? '' : 'odd');
  const key = element('td', 'words', record.key ?? (record.key_hex ? `0x${record.key_hex}` : '–'));
  const cause = element('td', 'words');
  cause.append(causeOf(record.cause ?? (record.src?.file === undefined ? undefined : `file ${record.src.file}, line ${record.src.line}`)));
  details.append(element('summary', '', brief.slice(0, LINE_MAX)), element('pre', '', whole));
  const value = element('td', 'words value');
  value.append(details);
  row.append(element('td', '', String(record.partition)), element('td', '', String(record.offset)),
    element('td', '', timeOf(ms)), key, cause, value);
  lines.set(place, row);
  return row;
}

function showRecords(answer) {
  pages = answer;
  const rows = answer.records.map(recordRow);
  for (const [place, row] of lines) if (!rows.includes(row)) lines.delete(place);
  settle($('records'), rows);
  const forward = answer.order === 'oldest_first';
  const [older, newer] = forward ? [answer.previous, answer.next] : [answer.next, answer.previous];
  const where = answer.partition === null ? 'all partitions by time: choose one to turn pages' : `partition ${answer.partition}`;
  $('previous').disabled = !newer || isNewest();
  $('next').disabled = !older;
  $('shown').textContent = `${rows.length} records of ${where}${answer.complete ? '' : ', search not finished: go on by Older or Newer'}`;
  document.body.dataset.records = String(rows.length);
}

const isNewest = () => state.where === 'newest' && !state.page;

function question() {
  const parameters = { limit: LIMIT };
  if (state.partition) parameters.partition = state.partition;
  if (state.key) parameters.key = state.key;
  if (state.where !== 'newest') parameters[state.where] = state.place;
  return parameters;
}

async function askRecords() {
  const mine = ++asked;
  const end = told?.end ?? -1;
  const answer = state.page ? await askExact(state.page) : await askExact(`topics/${state.topic}/records`, question());
  if (mine !== asked) return;
  wanted = false;
  shownEnd = end;
  showRecords(answer);
}

// ---- turns ----

async function shown(work) {
  try {
    await work();
    $('banner').hidden = true;
    return true;
  } catch (error) {
    $('banner').hidden = false;
    $('banner').textContent = `No answer: ${error.message}`;
    return false;
  }
}

async function showChosen() {
  writeAddress();
  showTopics();
  wanted = true;
  await shown(async () => {
    showTopic(await ask(`topics/${state.topic}`));
    await askRecords();
  });
}

function openPlace() {
  $('place').disabled = $('where').value === 'newest';
  $('place').placeholder = $('where').value === 'time' ? '2026-11-22T14:30:00Z' : '';
}

function fillForm() {
  for (const id of ['partition', 'where', 'key', 'place']) $(id).value = state[id];
  openPlace();
}

function choose(topic) {
  Object.assign(state, { topic, partition: '', where: 'newest', place: '', key: '', page: '' });
  $('partition').replaceChildren();
  $('records').replaceChildren();
  lines.clear();
  fillForm();
  showChosen();
}

function turnTo(path) {
  if (!path) return;
  state.page = path;
  writeAddress();
  shown(askRecords);
}

let turn = 0;

async function again() {
  if (!document.hidden) {
    await shown(async () => {
      if (turn % LIST_EVERY === 0) topics = (await ask('topics')).topics;
      if (state.topic && (groups.topic !== state.topic || turn % LIST_EVERY === 0)) askGroups();
      turn++;
      showTopics();
      if (!state.topic) return;
      const { topic } = state;
      const answer = await ask(`topics/${topic}`);
      if (topic !== state.topic) return;
      showTopic(answer);
      if (wanted || ($('live').checked && isNewest() && told.end !== shownEnd)) await askRecords();
    });
  }
  setTimeout(again, AGAIN_MS);
}

$('search').addEventListener('input', showTopics);
$('where').addEventListener('change', () => {
  $('place').value = '';
  openPlace();
  if ($('where').value === 'newest') $('ask').requestSubmit();
  else $('place').focus();
});
$('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  for (const id of ['partition', 'where', 'place', 'key']) state[id] = $(id).value.trim();
  state.page = '';
  if (state.where !== 'newest' && !state.place) state.where = 'newest';
  showChosen();
});
$('partition').addEventListener('change', () => $('ask').requestSubmit());
$('previous').addEventListener('click', () => turnTo(pages?.order === 'oldest_first' ? pages.next : pages?.previous));
$('next').addEventListener('click', () => turnTo(pages?.order === 'oldest_first' ? pages.previous : pages?.next));
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  event.preventDefault();
  $('search').focus();
});

readAddress();
fillForm();
again();
