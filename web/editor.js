/* web/editor.js - the page of strategies: their files, a text with what is wrong in it, what it gives over the bars there
 * are, and what it was before. The file on the server's disk is the truth; the page only proposes. */
import { ask, post, Stream } from './api.js';
import { Chart } from './chart.js';
import { Code } from './code.js';
import { diff } from './diff.js';
import { element, parts } from './format.js';
import { Why } from './why.js';

const $ = (id) => document.getElementById(id);
const CHECK_MS = 200; // after the last key
const BARS = 5000; // what is previewed
const STATES = { in_force: 'in force', begins: 'begins', refused: 'refused' };

const state = { file: null, strategy: null, saved: '', turn: null, editable: false, asked: 0, series: '' };

const why = new Why($('why'));
const chart = new Chart($('chart'), () => {}, (bar) => chart.legend(bar, $('legend'), () => {}));
chart.onmarker = (id) => why.open(id);
const code = new Code($('code'), await ask('/keywords.json'), () => changed());

const strategyPath = (what, more = {}) => `strategies/${what}?${new URLSearchParams(more)}`;
const dirty = () => code.text !== state.saved;

/* ---- what the text is worth ---- */

let due = null;

function changed() {
  showDirty();
  clearTimeout(due);
  due = setTimeout(check, CHECK_MS);
}

async function check() {
  if (!state.file) return;
  const mine = ++state.asked; // a later text's answer is the one that counts
  const { text } = code;
  try {
    const answer = await post(strategyPath('check', { file: state.file }), { text });
    if (mine !== state.asked) return;
    showErrors(answer.errors, answer.ok ? '' : answer.text);
    if (answer.ok) await preview(mine, text);
  } catch (error) {
    if (mine === state.asked) tell(error.message);
  }
}

function showErrors(errors, text) {
  const here = errors.filter((error) => error.file === state.file);
  code.mark(here);
  $('check').textContent = errors.length || text ? `${errors.length || 1} wrong` : 'fine';
  $('check').className = errors.length || text ? 'down' : 'up';
  const rows = errors.map((error) => {
    const row = element('button', '', '', { type: 'button' });
    const place = error.file === state.file ? '' : `${error.file}:`;
    row.append(element('b', '', `${place}${error.line}:${error.column}`), ` ${error.message}`);
    row.addEventListener('click', () => { if (error.file === state.file) code.go(error); });
    return row;
  });
  if (!errors.length && text) rows.push(element('span', '', text));
  $('errors').replaceChildren(...rows.map((row) => {
    const item = element('li', '');
    item.append(row);
    return item;
  }));
  document.body.dataset.errors = String(rows.length);
}

/* ---- what it gives ---- */

async function loadSeries() {
  const [instrument, width] = [$('instrument').value, $('width').value];
  state.series = `${instrument} ${width}`;
  if (!instrument || !width) return;
  const mine = state.series;
  const { bars } = await ask('bars', { instrument, width, limit: BARS });
  if (mine !== state.series) return;
  const row = state.instruments.find((one) => one.instrument === instrument);
  chart.reset(row.zone, state.widths.find((one) => one.width === width).ns / 1e9);
  chart.add(bars);
  chart.fit();
  chart.legend(null, $('legend'), () => {});
  await check();
}

async function preview(mine, text) {
  const began = performance.now();
  const [instrument, width] = [$('instrument').value, $('width').value];
  if (!instrument || !width || !chart.bars.length) return;
  const answer = await post(strategyPath('preview', { file: state.file, instrument, width, limit: BARS }), { text });
  if (mine !== state.asked) return;
  chart.dropLines();
  chart.addLines(answer.lines);
  const signals = answer.signals.filter((signal) => signal.instrument === instrument); // legs have charts of their own
  chart.setSignals(signals);
  chart.legend(null, $('legend'), () => {});
  const ms = Math.round(performance.now() - began);
  $('preview').textContent = `${signals.length} signal${signals.length === 1 ? '' : 's'} over ${chart.bars.length} bars`;
  Object.assign(document.body.dataset, { signals: signals.length, markers: chart.shown.length,
    lines: chart.lines.size, bars: chart.bars.length, drawn: ms });
}

/* ---- files ---- */

async function loadFiles() {
  const { strategies, editable, reason } = await ask('strategies');
  Object.assign(state, { editable, files: strategies });
  code.locked = !editable;
  if (!editable) tell(`Nothing can be saved: ${reason || 'nobody here shows strategies'}`);
  $('files').replaceChildren(...strategies.map((entry) => {
    const row = element('button', 'file', '', { type: 'button', 'data-file': entry.file,
      'aria-current': String(entry.file === state.file) });
    row.append(element('b', '', entry.file.split('/').at(-1)),
      element('small', 'dim', entry.hash ? `${entry.strategies.join(', ')} · ${entry.hash.slice(0, 12)}` : 'not in force'));
    row.addEventListener('click', () => open(entry.file));
    const item = element('li', '');
    item.append(row);
    return item;
  }));
  showDirty();
  const wanted = strategies.find(({ file }) => encodeURIComponent(file) === location.hash.slice(1)) ?? strategies[0];
  if (!state.file && wanted) await open(wanted.file);
}

async function open(file) {
  if (dirty() && state.file && !confirm('Leave what is not saved?')) return;
  const { text } = await ask('strategies', { file });
  Object.assign(state, { file, saved: text });
  code.text = text;
  location.hash = encodeURIComponent(file);
  $('file').textContent = file;
  document.body.dataset.file = file;
  for (const row of $('files').querySelectorAll('button')) row.setAttribute('aria-current', String(row.dataset.file === file));
  const width = text.match(/\bon\s+bars\(\s*([^)]*?)\s*\)/)?.[1];
  if (width && [...$('width').options].some((option) => option.value === width)) $('width').value = width;
  showDirty();
  await Promise.all([loadSeries(), loadVersions()]);
}

function showDirty() {
  $('save').disabled = !state.editable || !state.file || !dirty();
  $('save').title = state.editable ? 'Ctrl+S' : $('banner').textContent;
  document.body.dataset.dirty = String(dirty());
}

async function save() {
  if ($('save').disabled) return;
  const began = performance.now();
  const { text, file } = { text: code.text, file: state.file };
  try {
    await post(strategyPath('save', { file }), { text });
    state.saved = text;
    await check();
    document.body.dataset.redrawn = String(Math.round(performance.now() - began));
    $('saved').textContent = 'saved';
  } catch (error) {
    $('saved').textContent = `not saved: ${error.message}`;
  }
  showDirty();
}

/* ---- versions ---- */

async function loadVersions() {
  const strategy = state.files.find((entry) => entry.file === state.file)?.strategies[0];
  state.strategy = strategy;
  const { versions } = strategy ? await ask('strategies/versions', { strategy }) : { versions: [] };
  const known = versions.filter((version) => version.hash).reverse();
  $('version-count').textContent = known.length ? String(known.length) : '';
  $('versions').replaceChildren(...known.map((version) => {
    const row = element('button', 'file', '', { type: 'button', 'data-hash': version.hash });
    row.append(element('b', '', version.hash.slice(0, 12)), element('small', 'dim',
      `${version.since.replace('T', ' ').slice(0, 19)} · ${version.lines} lines${version.in_force ? ' · in force' : ''}`));
    row.addEventListener('click', () => showVersion(version));
    const item = element('li', '');
    item.append(row);
    return item;
  }));
}

async function showVersion({ hash }) {
  const { text } = await ask('strategies/versions', { strategy: state.strategy, hash });
  const head = element('div', 'bar');
  const back = element('button', 'quiet', 'Go back to it', { type: 'button' });
  back.disabled = !state.editable;
  back.addEventListener('click', () => goBack(hash));
  const close = element('button', 'quiet', 'Close', { type: 'button' });
  close.addEventListener('click', () => $('version').close());
  head.append(element('h2', '', `${state.strategy} ${hash.slice(0, 12)}`), back, close);
  const body = element('pre', 'scroll diff');
  body.append(...diff(code.text, text).map(([sign, line]) => element('span', { '-': 'gone', '+': 'come', ' ': 'same' }[sign],
    `${sign} ${line}\n`)));
  $('version').replaceChildren(head, body);
  $('version').showModal();
}

async function goBack(hash) {
  try {
    await post(strategyPath('rollback', { strategy: state.strategy, hash }), {});
    state.saved = code.text; // what was not saved goes: that was asked for
    $('version').close();
    await open(state.file);
    $('saved').textContent = `back to ${hash.slice(0, 12)}`;
  } catch (error) {
    $('version').querySelector('.diff').prepend(element('span', 'gone', `${error.message}\n`));
  }
}

/* ---- what comes by itself ---- */

function tell(text) {
  $('banner').hidden = !text;
  $('banner').textContent = text;
}

function onStatus(status) {
  const { strategies } = status;
  $('state').textContent = STATES[strategies?.state] ?? '–';
  $('state').className = strategies?.state === 'refused' ? 'down' : '';
  $('state').title = strategies?.errors ?? '';
  document.body.dataset.state = strategies?.state ?? '';
  if (strategies && state.turn !== null && strategies.turn !== state.turn) onProgram();
  state.turn = strategies?.turn ?? null;
}

/* Another program has begun, by whomever: hashes are others now, and so is the file, perhaps. */
async function onProgram() {
  await loadFiles();
  await loadVersions();
  if (dirty() || !state.file) return;
  const { text } = await ask('strategies', { file: state.file });
  if (!dirty() && text !== code.text) await open(state.file);
}

function onLink(link) {
  $('link').dataset.state = link;
  $('link').textContent = link;
}

/* ---- beginning ---- */

function fill(select, values, labels) {
  select.replaceChildren(...values.map((value, i) => element('option', '', labels[i], { value })));
}

async function begin() {
  const [{ instruments }, { widths }] = await Promise.all([ask('instruments'), ask('status')]);
  Object.assign(state, { instruments, widths });
  const names = instruments.map((row) => row.instrument);
  fill($('instrument'), names, names.map((name) => parts(name).reverse().join(' · ')));
  fill($('width'), widths.map((w) => w.width), widths.map((w) => w.width));
  await loadFiles();
  document.body.dataset.ready = 'true';
}

for (const id of ['instrument', 'width']) $(id).addEventListener('change', loadSeries);
$('save').addEventListener('click', save);
addEventListener('keydown', (event) => {
  if (event.key !== 's' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  save();
});
addEventListener('beforeunload', (event) => { if (dirty()) event.preventDefault(); });
new Stream({ status: onStatus }, onLink).open({});
begin().catch((error) => tell(error.message));
