/* web/why.js - why a signal came: the conditions of its strategy as trees, with what each part was before and then. */
import { ask } from './api.js';
import { element } from './format.js';

const shown = (value) => (value === null || value === undefined ? 'na'
  : typeof value === 'number' ? String(Number(value.toPrecision(10))) : String(value));

/* Of a part: times and durations have words of their own. */
const said = (part, name) => part[`${name}_text`] ?? shown(part[name]);

const VERDICTS = { fired: 'fired', false: 'was false', na: 'had no value', beaten: 'was beaten by an exit of its side',
  contradicted: 'was contradicted', there: 'was there already', flat: 'had nothing to leave',
  held_back: 'was held back by a cooldown or a limit', standing: 'held before, too',
  other: 'came behind another action', not_meant: 'is for other instruments' };

export class Why {
  constructor(dialog) {
    this.dialog = dialog;
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  }

  async open(id) {
    this.asked = id;
    this.#show(id, [element('p', 'dim', 'Making it again from the log …')]);
    try {
      const answer = await ask('explain', { signal: id });
      if (this.asked === id) this.#show(id, answer.judgements.map((j) => this.#judgement(answer, j)));
    } catch (error) {
      if (this.asked === id) this.#show(id, [element('p', 'dim', error.message)]);
    }
  }

  #show(id, nodes) {
    const close = element('button', 'quiet', 'Close', { type: 'button' });
    close.addEventListener('click', () => this.dialog.close());
    const head = element('div', 'bar');
    head.append(element('h2', '', id), close);
    const body = element('div', 'scroll');
    body.append(...nodes);
    this.dialog.replaceChildren(head, body);
    if (!this.dialog.open) this.dialog.showModal();
  }

  #judgement(answer, j) {
    const node = element('section', 'judgement');
    const signal = j.signal ?? j.held;
    const params = Object.entries(j.params ?? {}).map(([name, value]) => `${name} = ${value}`).join(', ');
    const held = j.same ? 'made again, the same byte for byte' : 'NOT what the tape makes';
    node.append(element('p', '', `${signal.status}: ${signal.action} to ${signal.target} at ${signal.price}; ${held}`),
      element('p', 'dim', `record ${j.cause.offset} of tape-${j.cause.partition}`
        + `${j.bar ? `, bar of ${j.bar.start}, ${j.bar.quality}` : ''}${params ? `; ${params}` : ''}`));
    for (const action of j.actions ?? []) {
      const fold = element('details', 'action');
      fold.open = action.verdict === 'fired';
      fold.append(element('summary', '', `${action.action} ${VERDICTS[action.verdict]}`));
      const table = element('table', '');
      table.append(this.#row('td', ['', 'before', 'then', '']));
      if (action.condition) this.#part(table, action.condition, 0);
      fold.append(table);
      node.append(fold);
    }
    return node;
  }

  /* What is a number as written says itself. */
  #part(table, part, depth) {
    if (part.text === shown(part.value)) return;
    const warming = part.warming_up ? `warming up: bar ${part.warming_up.bar} of ${part.warming_up.of}` : '';
    const off = part.off === undefined ? '' : `off by ${said(part, 'off')}`;
    const known = 'value' in part;
    const row = this.#row('td', [part.text, known ? said(part, 'before') : '', known ? said(part, 'value') : '',
      warming || off]);
    row.firstChild.style.paddingLeft = `${depth}em`;
    row.dataset.value = shown(part.value);
    table.append(row);
    for (const inner of part.parts ?? []) this.#part(table, inner, depth + 1);
  }

  #row(kind, texts) {
    const row = element('tr', '');
    row.append(...texts.map((text) => element(kind, '', text)));
    return row;
  }
}
