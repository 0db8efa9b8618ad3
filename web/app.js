/* web/app.js - the dashboard: what is chosen, where data comes from, and which part shows it. */
import { ask, Stream } from './api.js';
import { Chart } from './chart.js';
import { clock, compact, dayClock, direction, element, price, seconds, signed, zoneLabel } from './format.js';
import { amount, Gaps, span } from './gaps.js';
import { Instruments } from './instruments.js';
import { Refused } from './refused.js';
import { Signals } from './signals.js';
import { Why } from './why.js';

const $ = (id) => document.getElementById(id);
const PAGE = 1000;
const SIGNALS_PAGE = 400;
const LINES_MS = 500; // lines are asked for at most so often
const LIST_MS = 10000; // the day's shapes
const GAPS_MS = 250; // gaps are shown at most so often
const HELLO_MS = 1000; // for the stream to begin, so that nothing falls between it and history

const state = {
  instrument: null, width: null, widthNs: 0, chosenByHand: false, run: null, series: 0, older: null, loading: null,
  loaded: false, status: null, link: 'connecting', linesAt: 0, linesBusy: false, missing: 0, pinned: null,
  gapsTold: [], early: [],
};

/* ---- parts ---- */

const chart = new Chart($('chart'), () => loadOlder(), showHover);
const instruments = new Instruments($('instruments'), $('search'), $('count'), (name) => choose(name, null, true));
const signals = new Signals($('signals'), $('only'), $('signal-count'), openSignal, zoneOf);
const gaps = new Gaps($('gaps-fold'), $('gaps'), $('gap-count'), openGap, zoneOf);
new Refused($('quarantine'), $('refused'), $('refused-count'), zoneOf);
const stream = new Stream({
  hello: onHello,
  instruments: onTicks,
  bar: (row) => onBar(row, false),
  provisional: (row) => onBar(row, true),
  signal: onSignal,
  gap: onGap,
  status: onStatus,
  lost: () => resync(),
}, onLink);

const why = new Why($('why'));
chart.onmarker = (id) => why.open(id);
chart.onmove = (following) => { $('live').hidden = following || !state.loaded; };
chart.ontrim = (row) => {
  state.older = `/api/v1/bars?${new URLSearchParams({ ...series(), before: row.start, limit: PAGE })}`;
};
$('live').addEventListener('click', () => chart.toNewest());

const series = () => ({ instrument: state.instrument, width: state.width });

function zoneOf(instrument) {
  return instruments.get(instrument)?.zone ?? (instrument.startsWith('LEAN:') ? 'America/New_York' : 'UTC');
}

/* ---- choosing a series ---- */

/* The bars that spoke last; else the widest that strategies run on, or of which there are enough to look at; else any. */
function bestWidth(name) {
  const data = instruments.get(name) ?? {};
  const bars = (w) => data[`bars_${w.width}`] ?? 0;
  const widths = state.status?.widths ?? [];
  const spoke = signals.rows.find((row) => row.data.instrument === name)?.data.width;
  return (widths.find((w) => w.width === spoke) ?? widths.filter((w) => w.lines > 0 && bars(w) >= 3).at(-1)
    ?? widths.filter((w) => bars(w) >= 60).at(-1) ?? widths.find((w) => bars(w) > 0) ?? widths[0])?.width;
}

function choose(name, width = null, byHand = false) {
  const wanted = width ?? (state.widths?.includes(state.width) && byHand ? state.width : bestWidth(name));
  if (!name || !wanted || (name === state.instrument && wanted === state.width)) return Promise.resolve();
  const entry = state.status.widths.find((w) => w.width === wanted);
  if (!entry) return Promise.resolve();
  Object.assign(state, { instrument: name, width: wanted, widthNs: entry.ns, older: null, loaded: false, linesAt: 0,
    missing: 0, pinned: null, early: [], series: state.series + 1 });
  state.chosenByHand ||= byHand;
  if (byHand) history.replaceState(null, '', `#${encodeURIComponent(name)}/${wanted}`);
  chart.reset(zoneOf(name), entry.ns / 1e9);
  instruments.mark(name);
  signals.focus(name);
  $('symbol').textContent = name;
  showWidths();
  showQuote();
  showLegend();
  showEmpty();
  state.hello = new Promise((resolve) => { state.greet = resolve; });
  stream.open(series());
  return state.ready = loadSeries();
}

function fromAddress() {
  const [name, width] = decodeURIComponent(location.hash.slice(1)).split('/');
  return instruments.get(name) ? [name, width] : null;
}

function chooseFirst() {
  if (state.instrument || !state.status?.widths.length) return;
  const wanted = fromAddress();
  if (wanted) return void choose(wanted[0], wanted[1] ?? null, true);
  const bars = (name) => Math.max(...state.status.widths.map((w) => instruments.get(name)[`bars_${w.width}`] ?? 0));
  const names = instruments.names().filter((name) => bars(name) > 0).sort((a, b) => bars(b) - bars(a));
  if (names.length) choose(names[0]);
}

/* ---- history ---- */

async function loadSeries() {
  const mine = state.series;
  await Promise.race([state.hello, new Promise((resolve) => { setTimeout(resolve, HELLO_MS); })]);
  if (mine !== state.series) return;
  try {
    const [bars, marks, missing] = await Promise.all([
      ask('bars', { ...series(), limit: PAGE }),
      ask('signals', { instrument: state.instrument, limit: PAGE }),
      ask('gaps', { instrument: state.instrument, limit: PAGE }),
    ]);
    if (mine !== state.series) return;
    chart.add(bars.bars);
    chart.add(state.early.splice(0));
    chart.setSignals(merge(marks.signals));
    setGaps(missing.gaps);
    state.older = bars.next;
    state.loaded = true;
    chart.fit();
    await loadLines(bars.bars.length);
  } catch (error) {
    if (mine === state.series) state.problem = error.message;
  } finally {
    if (mine === state.series) show();
  }
}

/* What was told before a stream began, that of another series, too: from its hello on it leaves nothing out. */
function loadTold() {
  ask('signals', { limit: SIGNALS_PAGE }).then((answer) => signals.load(answer.signals), () => {});
  ask('gaps', { limit: PAGE }).then((answer) => setGaps(answer.gaps), () => {});
}

/* After a reconnect or a `lost`: what is new since the newest final bar, and perhaps more than a page of it. */
async function resync() {
  while (state.loading) await state.loading;
  if (state.loaded) await alone(askNewest);
}

async function askNewest() {
  const mine = state.series;
  try {
    const newest = chart.bars.findLast((bar) => !bar.provisional);
    const asked = { ...series(), limit: 5 * PAGE, ...(newest ? { from: newest.row.start } : {}) };
    const [bars, marks, all, missing] = await Promise.all([
      ask('bars', asked), ask('signals', { instrument: state.instrument, limit: PAGE }),
      ask('signals', { limit: SIGNALS_PAGE }), ask('gaps', { limit: PAGE }),
    ]);
    if (mine !== state.series) return;
    setGaps(missing.gaps);
    chart.add(bars.bars);
    chart.setSignals(merge(marks.signals));
    signals.load(all.signals);
    state.missing += bars.bars.length;
  } catch {
    state.retry = setTimeout(resync, 2000);
  }
  show();
}

/* Asks for a page, or waits for the answer that is on its way. */
async function loadOlder() {
  if (state.loading) await state.loading;
  else if (state.older) await alone(askOlder);
}

function alone(work) {
  return state.loading = work().finally(() => { state.loading = null; });
}

async function askOlder() {
  const [mine, url] = [state.series, state.older];
  $('loading').hidden = false;
  try {
    const page = await ask(url);
    if (mine !== state.series) return;
    chart.add(page.bars);
    state.older = page.next;
    const first = page.bars[0];
    if (first) {
      const older = await ask('signals', { instrument: state.instrument, from: first.start, limit: 5 * PAGE });
      const last = page.bars.at(-1);
      const lines = await ask('lines', { ...series(), to: last.end_ns ? endOf(last) : last.start, limit: PAGE });
      if (mine !== state.series) return;
      chart.setSignals(merge(older.signals));
      chart.addLines(lines.lines);
    }
  } catch {
    /* the next move near the edge asks again */
  } finally {
    $('loading').hidden = true;
  }
  show();
}

const endOf = (row) => new Date(seconds(row.end_ns) * 1000).toISOString();

const turn = () => state.status?.strategies?.turn;

async function loadLines(count) {
  if (state.linesBusy || count < 1) return;
  const [mine, then] = [state.series, turn()];
  state.linesBusy = true;
  state.linesAt = performance.now();
  state.missing = 0;
  try {
    const { lines } = await ask('lines', { ...series(), limit: Math.min(5 * PAGE, count + 2) });
    if (mine === state.series && then === turn()) chart.addLines(lines);
  } finally {
    state.linesBusy = false;
  }
}

/* Signals known of the chosen instrument, one per id, in all; a leg is of the one that it trades. */
function merge(fresh) {
  const known = new Map([...chart.markers, ...fresh].map((s) => [s.id, s]));
  return [...known.values()].filter((s) => s.instrument === state.instrument);
}

/* ---- what comes by itself ---- */

async function onHello({ run }) {
  state.greet?.();
  const again = state.run !== null;
  const restarted = again && state.run !== run;
  state.run = run;
  if (restarted) await loadList();
  loadTold();
  if (again && state.loaded) resync();
}

function onTicks(ticks) {
  if (instruments.tick(ticks)) loadList();
  if (ticks.some((tick) => tick.instrument === state.instrument)) showQuote();
}

function onBar(row, provisional) {
  if (row.instrument !== state.instrument || row.width !== state.width) return;
  if (!state.loaded) { // history that is on its way may have been read before
    if (!provisional && state.early.length < PAGE) state.early.push(row);
    return;
  }
  chart.add([row], provisional);
  if (!provisional) state.missing++;
  refreshLines();
  show();
}

function refreshLines() {
  if (state.missing > 0 && performance.now() - state.linesAt >= LINES_MS) loadLines(state.missing).then(show, () => {});
}

function onSignal(signal) {
  signals.add(signal);
  if (signal.instrument === state.instrument) chart.setSignals(merge([signal]));
  publish();
}

/* A thousand may come at once. */
function onGap(gap) {
  if (state.gapsTold.push(gap) > 1) return;
  setTimeout(() => {
    setGaps(state.gapsTold.splice(0));
    publish();
  }, GAPS_MS);
}

function setGaps(told) {
  gaps.load(told);
  if (state.instrument) chart.setGaps(gaps.of(state.instrument));
}

function onStatus(status) {
  const [before, then] = [JSON.stringify(state.status?.widths), turn()];
  state.status = status;
  state.widths = status.widths.map((w) => w.width);
  if (JSON.stringify(status.widths) !== before) showWidths();
  if (then !== undefined && then !== turn()) onProgram();
  showEdit(status.strategies);
  chooseFirst();
  refreshLines();
  showBoard();
  showEmpty();
}

/* Strategies were edited: their lines are others now, over all bars; a width may be gone. */
function onProgram() {
  chart.dropLines();
  if (state.width && !state.widths.includes(state.width)) choose(state.instrument, bestWidth(state.instrument));
  else if (state.loaded) state.missing = chart.bars.length;
}

function showEdit(strategies) {
  $('edit').hidden = strategies?.state !== 'refused';
  if ($('edit').textContent !== (strategies?.errors ?? '')) $('edit').textContent = strategies?.errors ?? '';
}

function onLink(link) {
  state.link = link;
  $('banner').hidden = link !== 'lost';
  $('banner').textContent = 'Connection lost. What you see stands still; reconnecting …';
  $('link').dataset.state = link;
  $('link').textContent = link;
  publish();
}

async function loadList() {
  try {
    instruments.load((await ask('instruments')).instruments);
    chooseFirst();
    showQuote();
  } catch {
    /* the stream says when the server is back */
  }
}

/* ---- showing ---- */

function show() {
  showLegend();
  showEmpty();
  publish();
}

function showLegend(bar = state.hover) {
  chart.legend(bar, $('legend'), showLegend);
}

function showHover(bar, point) {
  state.hover = bar;
  showLegend(bar);
  const found = bar ? [...chart.signalsAt(bar.start).map(signalTip), ...chart.gapsAt(bar).map(gapTip)] : [];
  if (found.length && point) {
    state.pinned = null;
    showTip(found, point);
  } else if (!state.pinned) {
    $('tip').hidden = true;
  }
}

const wallClock = (zone, ns) => `${dayClock(zone, seconds(ns))} ${zoneLabel(zone, seconds(ns))}`;

function tipBox(strong, more, code, dim) {
  const box = element('div', '');
  const head = element('span', '');
  head.append(element('strong', '', strong), more);
  box.append(head, element('code', '', code), element('span', 'dim', dim));
  return box;
}

function signalTip(s) {
  const note = s.note ? ` · ${s.note}` : '';
  return tipBox(`${s.action} at ${price(s.price)}`, ` · ${s.strategy} · target ${s.target}${note}`, `${s.id}\n`,
    `${wallClock(zoneOf(s.instrument), s.event_ns)}, ${s.status}${s.reason ? `: ${s.reason}` : ''}`);
}

function gapTip(gap) {
  return tipBox(`gap ${gap.number}, ${gap.status}`, ` · ${gap.reason}${amount(gap) ? ` · ${amount(gap)}` : ''}`,
    `of ${gap.feed}\n`, `from ${wallClock(zoneOf(gap.instrument), gap.from_ns)}, ${span(gap)}`);
}

function showTip(boxes, { x, y }) {
  const tip = $('tip');
  tip.replaceChildren(...boxes);
  tip.hidden = false;
  const room = tip.parentElement.getBoundingClientRect();
  const left = x + 18 + tip.offsetWidth > room.width - 80 ? x - tip.offsetWidth - 18 : x + 18;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${Math.max(8, Math.min(y + 14, room.height - tip.offsetHeight - 36))}px`;
}

async function openSignal(signal) {
  await choose(signal.instrument, signal.instrument === state.instrument ? null : widthName(signal), true);
  await openAt(chart.barOf(signal), signal, signalTip, () => chart.setSignals(merge([signal])));
}

async function openGap(gap) {
  await choose(gap.instrument, null, true);
  await openAt(chart.startAt(seconds(gap.from_ns)), gap, gapTip, () => {});
}

/* Goes back to the bar that begins then, and says there what was asked for. */
async function openAt(start, what, tipOf, found) {
  await state.ready;
  for (let page = 0; page < 20 && state.older && chart.bars[0]?.start > start; page++) await loadOlder();
  found();
  const bar = chart.center(start);
  if (!bar) return;
  state.pinned = what;
  requestAnimationFrame(() => requestAnimationFrame(() => showTip([tipOf(what)], chart.place(bar))));
}

const widthName = (signal) => (state.widths.includes(signal.width) ? signal.width : null);

function showWidths() {
  $('widths').replaceChildren(...(state.widths ?? []).map((width, i) => {
    const button = element('button', '', width, { type: 'button', role: 'radio', title: `${width} bars (${i + 1})`,
      'aria-checked': String(width === state.width) });
    button.addEventListener('click', () => choose(state.instrument, width, true));
    return button;
  }));
}

function showQuote() {
  const data = instruments.get(state.instrument);
  if (!data?.last) return;
  const way = direction(data.change_percent);
  $('last').textContent = price(data.last);
  $('change').textContent = `${signed(price(data.change))}  ${signed(data.change_percent)} %`;
  $('change').className = `change ${way}`;
  document.title = `${price(data.last)} ${state.instrument} · Tapedeck`;
}

function shares(run) {
  if (!run?.sharing) return '';
  const { owned, rebalances } = run.sharing;
  const { committed, aborted } = run.transactions;
  return `; partitions here: ${owned}, rebalances: ${rebalances}; transactions: ${committed} committed, ${aborted} aborted`;
}

function showBoard() {
  const { status } = state;
  const data = instruments.get(state.instrument);
  const feed = status.feeds.find((f) => f.name === data?.feed) ?? status.feeds[0];
  const ended = status.feeds.length > 0 && status.feeds.every((f) => f.session === 'ended');
  const moves = status.records_per_second > 0 ? 'running' : 'idle';
  const run = status.run?.state === 'faulty' ? 'faulty' : ended ? 'ended' : status.run?.state ?? moves;
  $('run').textContent = run;
  $('run').dataset.state = run;
  if (feed?.event_ns) {
    const zone = zoneOf(state.instrument ?? '');
    const still = feed.session === 'ended' || feed.session === 'down';
    $('clock').textContent = `${still ? `${feed.session} ` : ''}${dayClock(zone, seconds(feed.event_ns))}`;
    $('clock').classList.toggle('down', feed.session === 'down');
    $('zone').textContent = zoneLabel(zone, seconds(feed.event_ns));
    $('axis').textContent = $('zone').textContent;
    $('clock').title = `${feed.name}: ${feed.session}`;
  }
  $('rate').textContent = compact(status.records_per_second);
  $('lag').textContent = compact(status.run?.lag_records ?? status.view.behind_records);
  $('lag').title = `records on the tape, not yet applied; this page is ${status.view.behind_records} behind${shares(status.run)}`;
  publish();
}

function showEmpty() {
  const box = $('empty');
  const { status } = state;
  box.hidden = chart.bars.length > 0;
  if (!box.hidden) return;
  const wait = status ? status.lateness_ns / 1e9 : 1;
  const [title, text] = !status ? ['Connecting', 'Waiting for the server to say what it knows.']
    : !state.instrument ? ['Waiting for the first trade', 'Instruments appear with their first bar.']
      : state.problem && !state.loaded ? ['No answer', state.problem]
        : !state.loaded ? ['Loading', 'Reading history from the log.']
          : ['Waiting for the first bar', `A ${state.width} window with trades closes ${wait} s of event time after its end; until
             then it is only in the making. Prices of which no trade is known make no bars.`];
  box.replaceChildren(element('strong', '', title), element('span', '', text));
}

/* What tests and curious people may read: counts as attributes of the page. */
function publish() {
  Object.assign(document.body.dataset, {
    instrument: state.instrument ?? '', width: state.width ?? '', link: state.link,
    bars: chart.bars.filter((bar) => !bar.provisional).length, markers: chart.shown?.length ?? 0,
    lines: chart.lines.size, signals: signals.rows.length, instruments: instruments.rows.size,
    bands: chart.overlay.bands.length, withheld: chart.shown?.filter((s) => s.status === 'withheld').length ?? 0,
    hollow: chart.bars.filter((bar) => bar.color && !bar.provisional).length,
    making: Number(chart.bars.at(-1)?.provisional ?? false), first: chart.bars[0]?.row.start ?? '',
  });
}

/* ---- keys and colours ---- */

function turnTheme() {
  const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem('tapedeck.theme', next);
  } catch {
    /* then it holds until the page is closed */
  }
  chart.paint();
  showLegend();
}

$('theme').addEventListener('click', turnTheme);
addEventListener('keydown', (event) => {
  if (event.target.closest('[type=search]') || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 't') turnTheme();
  const width = state.widths?.[Number(event.key) - 1];
  if (width) choose(state.instrument, width, true);
});
matchMedia('(prefers-color-scheme: light)').addEventListener('change', (event) => {
  if (localStorage.getItem('tapedeck.theme')) return;
  document.documentElement.dataset.theme = event.matches ? 'light' : 'dark';
  chart.paint();
});

/* ---- beginning ---- */

showEmpty();
stream.open({});
loadList();
setInterval(loadList, LIST_MS);
