/* web/code.js - a text area for strategies: a painted copy lies beneath it, words are completed, wrong places marked. */
import { element } from './format.js';

const TOKENS = /(#.*)|("[^"\n]*"?)|(\b\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d|R|%)?)|([A-Za-z_]\w*)/g;
const SHOWN_MAX = 8;
const INDENT = '  ';

export class Code {
  /* `words`: keywords.json; `changed` is called after each change by hand. */
  constructor(box, words, changed) {
    this.changed = changed;
    this.kinds = new Map();
    this.words = [];
    for (const [kind, list] of Object.entries(words)) {
      for (const entry of list) {
        const word = entry.name ?? entry;
        if (!this.kinds.has(word)) this.words.push({ word, usage: entry.usage ?? '', help: entry.help ?? '' });
        this.kinds.set(word, kind === 'functions' ? 'function' : kind);
      }
    }
    this.words.sort((a, b) => (a.word < b.word ? -1 : 1));
    this.marks = [];
    this.paint = element('pre', 'paint', '', { 'aria-hidden': 'true' });
    this.area = element('textarea', '', '', { spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', wrap: 'off',
      'aria-label': 'Text of the strategy', 'aria-autocomplete': 'list', 'aria-controls': 'words' });
    this.list = element('ul', 'offered', '', { id: 'words', role: 'listbox', 'aria-label': 'Words' });
    this.list.hidden = true;
    box.replaceChildren(this.paint, this.area, this.list);
    this.area.addEventListener('input', () => this.#typed());
    this.area.addEventListener('scroll', () => this.#follow());
    this.area.addEventListener('keydown', (event) => this.#key(event));
    this.area.addEventListener('blur', () => this.#close());
    this.list.addEventListener('mousedown', (event) => {
      event.preventDefault();
      const item = event.target.closest('li');
      if (item) this.#take(item.dataset.word);
    });
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.marks = [];
    this.#close();
    this.#draw();
  }

  set locked(locked) {
    this.area.readOnly = locked;
  }

  /* Wrong places: {line, column} from 1, columns as characters. */
  mark(places) {
    this.marks = places;
    this.#draw();
  }

  go({ line, column }) {
    const lines = this.text.split('\n');
    const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    const at = before + [...(lines[line - 1] ?? '')].slice(0, column - 1).join('').length;
    this.area.focus();
    this.area.setSelectionRange(at, at);
    this.area.scrollTop = Math.max(0, (line - 4) * this.#lineHeight());
  }

  /* ---- painting ---- */

  #lineHeight() {
    return Number.parseFloat(getComputedStyle(this.area).lineHeight);
  }

  #draw() {
    const lines = this.text.split('\n').map((line, i) => this.#line(line, this.marks.filter((m) => m.line === i + 1)));
    this.paint.replaceChildren(...lines.flatMap((nodes) => [...nodes, '\n']));
    this.#follow();
  }

  #line(line, marks) {
    const starts = marks.map((mark) => [...line].slice(0, mark.column - 1).join('').length);
    const nodes = [];
    let at = 0;
    const put = (text, kind) => {
      const wrong = starts.some((start) => start >= at && start < at + Math.max(text.length, 1));
      nodes.push(element('span', `${kind}${wrong ? ' wrong' : ''}`, text));
      at += text.length;
    };
    for (const match of line.matchAll(TOKENS)) {
      if (match.index > at) put(line.slice(at, match.index), '');
      const [text, comment, string, number] = match;
      put(text, comment ? 'comment' : string ? 'string' : number ? 'number' : this.kinds.get(text) ?? 'name');
    }
    if (at < line.length) put(line.slice(at), '');
    if (starts.some((start) => start >= line.length)) put(' ', '');
    return nodes;
  }

  #follow() {
    this.paint.scrollTop = this.area.scrollTop;
    this.paint.scrollLeft = this.area.scrollLeft;
  }

  #typed() {
    this.marks = []; // they are of the text before
    this.#draw();
    this.#suggest(2);
    this.changed();
  }

  /* ---- keys ---- */

  #key(event) {
    if (!this.list.hidden && this.#keyOfList(event)) {
      event.preventDefault();
    } else if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      this.#suggest(0);
    } else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey && !this.area.readOnly) {
      event.preventDefault();
      this.#insert(0, `\n${this.#indent()}`);
    }
  }

  #keyOfList({ key }) {
    const items = [...this.list.children];
    const chosen = items.findIndex((item) => item.getAttribute('aria-selected') === 'true');
    if (key === 'Escape') this.#close();
    else if (key === 'ArrowDown') this.#choose((chosen + 1) % items.length);
    else if (key === 'ArrowUp') this.#choose((chosen + items.length - 1) % items.length);
    else if (key === 'Tab' || key === 'Enter') this.#take(items[chosen].dataset.word);
    else return false;
    return true;
  }

  /* As the line before; behind a strategy's first line one step more. */
  #indent() {
    const line = this.text.slice(0, this.area.selectionStart).split('\n').at(-1);
    return /^(strategy|series)\b/.test(line) ? INDENT : line.match(/^ */)[0];
  }

  /* Replaces so many characters before the caret, so that it can be undone. */
  #insert(back, text) {
    const { selectionStart, selectionEnd } = this.area;
    this.area.setSelectionRange(selectionStart - back, selectionEnd);
    document.execCommand('insertText', false, text);
  }

  /* ---- completing ---- */

  #begun() {
    return this.text.slice(0, this.area.selectionStart).match(/[A-Za-z_]\w*$/)?.[0] ?? '';
  }

  #suggest(least) {
    const begun = this.#begun();
    const own = [...new Set(this.text.match(/[A-Za-z_]\w*/g) ?? [])].filter((word) => !this.kinds.has(word));
    const found = [...this.words, ...own.map((word) => ({ word, usage: '', help: '' }))]
      .filter(({ word }) => word.startsWith(begun) && word !== begun).slice(0, SHOWN_MAX);
    if (begun.length < least || !found.length || this.area.readOnly) {
      this.#close();
      return;
    }
    this.list.replaceChildren(...found.map(({ word, usage, help }) => {
      const item = element('li', this.kinds.get(word) ?? 'name', usage || word, { role: 'option', 'data-word': word, title: help });
      if (help) item.append(element('small', '', help));
      return item;
    }));
    const before = this.text.slice(0, this.area.selectionStart).split('\n');
    const line = this.#lineHeight();
    this.list.style.top = `${before.length * line + 8 - this.area.scrollTop}px`;
    this.list.style.left = `calc(${Math.max(0, before.at(-1).length - begun.length)}ch + 10px)`;
    this.list.hidden = false;
    this.#choose(0);
  }

  #choose(index) {
    [...this.list.children].forEach((item, i) => item.setAttribute('aria-selected', String(i === index)));
  }

  #take(word) {
    this.#insert(this.#begun().length, word);
    this.#close();
  }

  #close() {
    this.list.hidden = true;
  }
}
