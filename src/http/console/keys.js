// The key browser: a list of keys by pattern and type, and beside it the value of one.
import { ask, chosen, ReplyError, run } from './api.js';
import { fromText, isPlain, line, toText, unescape } from './bytes.js';
import { count, deadline } from './format.js';
import { ask as dialog, attempt, button, field, h, options, say } from './dom.js';
import { keysHere, sampler } from './samples.js';
import { editorFor, TYPES } from './values.js';

const PAGE = 100; // keys that are listed at a time
// What SCAN looks at in one go: it grows where few of these match.
const SCAN_COUNT = 100;
const SCAN_COUNT_MAX = 5000;
const SCANS_MAX = 50; // of one page

export class Keys {
  name = 'keys';
  title = 'Keys';

  constructor() {
    this.pattern = h('input', { type: 'search', placeholder: '*', spellcheck: 'false', autocomplete: 'off' });
    this.type = h('select', { onchange: () => this.search() }, options([['', 'all types'], ...TYPES]));
    this.list = h('ul', { class: 'keys', 'aria-label': 'Keys', onkeydown: (event) => this.move(event) });
    this.found = h('p', { class: 'muted', role: 'status' });
    this.more = button('More', () => attempt(() => this.page()), { hidden: true });
    this.detail = h(
      'section',
      { class: 'card detail', 'aria-label': 'Value' },
      h('p', { class: 'none' }, 'Choose a key to see its value.'),
    );
    this.node = h(
      'div',
      null,
      h(
        'div',
        { class: 'view-head' },
        h('h1', { tabindex: '-1' }, 'Keys'),
        h(
          'span',
          { class: 'actions' },
          button('New key', () => this.create(), { class: 'primary' }),
        ),
      ),
      h(
        'div',
        { class: 'browser' },
        h(
          'section',
          { class: 'card', 'aria-label': 'Search' },
          h(
            'form',
            {
              class: 'search',
              onsubmit: (event) => {
                event.preventDefault();
                this.search();
              },
            },
            field('Pattern', this.pattern),
            field('Type', this.type),
            h('button', { type: 'submit' }, 'Search'),
          ),
          this.found,
          this.list,
          this.more,
        ),
        this.detail,
      ),
    );
  }

  show() {
    if (!this.searched || this.db !== chosen.db) this.search();
  }

  search() {
    this.searched = true;
    this.db = chosen.db;
    this.cursor = '0';
    this.keys = new Map(); // SCAN may give a key twice
    this.list.replaceChildren();
    return attempt(() => this.page());
  }

  async page() {
    const pattern = this.pattern.value
      ? unescape(this.pattern.value.replaceAll(/\\(?!x[0-9a-f]{2})/gi, '\\\\'))
      : '*';
    const filter = this.type.value ? ['TYPE', this.type.value] : [];
    const fresh = [];
    this.more.disabled = true;
    for (let i = 0; i < SCANS_MAX && fresh.length < PAGE; i += 1) {
      const size = Math.min(SCAN_COUNT * 2 ** Math.max(i - 2, 0), SCAN_COUNT_MAX);
      const [cursor, keys] = await ask('SCAN', this.cursor, 'MATCH', pattern, 'COUNT', size, ...filter);
      this.cursor = cursor;
      for (const key of keys) {
        if (this.keys.has(key)) continue;
        this.keys.set(key, null);
        fresh.push(key);
      }
      if (cursor === '0') break;
    }
    const replies = fresh.length
      ? await run(
          fresh.flatMap((key) => [
            ['TYPE', key],
            ['PTTL', key],
          ]),
        )
      : [];
    this.list.append(...fresh.map((key, i) => this.row(key, replies[2 * i], replies[2 * i + 1])));
    this.more.disabled = false;
    this.more.hidden = this.cursor === '0';
    const all = sampler.info ? ` of ${count(keysHere(sampler.info))}` : '';
    const more = this.cursor === '0' ? '' : ', and there are more';
    this.found.textContent = `${count(this.keys.size)}${all} keys${more}`;
    if (!this.list.querySelector('[tabindex="0"]')) this.list.querySelector('button')?.setAttribute('tabindex', '0');
  }

  // Only one of the list is reached by Tab; the arrows go on from there.
  row(key, type, ttl) {
    const expires = typeof ttl === 'number' && ttl >= 0;
    const choose = h(
      'button',
      { type: 'button', tabindex: '-1', onclick: () => this.open(key) },
      h('span', { class: `type ${type}` }, String(type)),
      h('span', { class: 'key' }, line(key)),
      expires ? h('span', { class: 'muted', title: `expires in ${deadline(ttl)}` }, deadline(ttl)) : null,
    );
    choose.keyOf = key;
    return h('li', null, choose);
  }

  move(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const buttons = [...this.list.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    this.focus(buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)]);
  }

  focus(target) {
    if (!target) return;
    for (const other of this.list.querySelectorAll('[tabindex="0"]')) other.setAttribute('tabindex', '-1');
    target.setAttribute('tabindex', '0');
    target.focus();
  }

  mark(key) {
    for (const choose of this.list.querySelectorAll('button')) {
      const here = choose.keyOf === key;
      choose.toggleAttribute('aria-current', here);
      if (here) choose.setAttribute('aria-current', 'true');
    }
  }

  // Shows the key's value; `focus`: and goes there.
  async open(key, focus = true) {
    this.mark(key);
    await attempt(async () => {
      const replies = await run([
        ['TYPE', key],
        ['PTTL', key],
        ['OBJECT', 'ENCODING', key],
        ['MEMORY', 'USAGE', key],
      ]);
      const [type, ttl, encoding, memory] = replies;
      if (type instanceof ReplyError) throw type;
      if (type === 'none') {
        this.forget(key);
        throw new Error('The key is gone.');
      }
      const heading = h('h2', { class: 'code', tabindex: '-1' }, line(key));
      const editor = editorFor(type, key, () => this.open(key, false));
      this.detail.replaceChildren(
        h(
          'div',
          { class: 'card-head' },
          heading,
          h(
            'span',
            { class: 'actions' },
            button('Rename', () => this.rename(key)),
            button('Delete', () => this.remove(key), { class: 'danger' }),
          ),
        ),
        h(
          'p',
          { class: 'marks' },
          h('span', { class: `type ${type}` }, type),
          isPlain(key) ? null : h('span', { class: 'muted' }, 'name shown escaped'),
          encoding instanceof ReplyError ? null : h('span', { class: 'muted' }, encoding),
          typeof memory === 'number' ? h('span', { class: 'muted' }, `${count(memory)} bytes`) : null,
          h('span', { class: 'muted' }, ttl < 0 ? 'never expires' : `expires in ${deadline(ttl)}`),
          button('Expire', () => this.expire(key, ttl), { class: 'small' }),
        ),
        editor.node,
      );
      await editor.load();
      if (focus) heading.focus();
      // On a phone the value is below the list.
      if (focus && matchMedia('(max-width: 760px)').matches) heading.scrollIntoView();
    });
  }

  async expire(key, ttl) {
    const control = h('input', {
      type: 'number',
      min: 0,
      step: 'any',
      value: ttl < 0 ? '' : String(Math.ceil(ttl / 1000)),
    });
    const done = await dialog({
      title: 'Expiry',
      text: 'Seconds from now; empty: never.',
      controls: { s: ['Seconds', control] },
      action: 'Set',
      submit: ({ s }) => (s === '' ? ask('PERSIST', key) : ask('PEXPIRE', key, Math.round(Number(s) * 1000))),
    });
    if (!done) return;
    say('The expiry was set.');
    this.open(key, false);
  }

  async rename(key) {
    const control = h('input', { type: 'text', required: true, value: toText(key) ?? '', spellcheck: 'false' });
    let name;
    const done = await dialog({
      title: 'Rename',
      controls: { to: ['New name', control] },
      action: 'Rename',
      submit: async ({ to }) => {
        name = fromText(to);
        if ((await ask('RENAMENX', key, name)) === 0) throw new Error('There is a key of that name.');
      },
    });
    if (!done) return;
    await this.search();
    this.open(name);
  }

  async remove(key) {
    const done = await dialog({
      title: 'Delete this key?',
      text: `${line(key)} and its value are lost.`,
      action: 'Delete',
      danger: true,
      submit: () => ask('DEL', key),
    });
    if (!done) return;
    this.forget(key);
    say('The key was deleted.');
  }

  forget(key) {
    this.keys.delete(key);
    const buttons = [...this.list.querySelectorAll('button')];
    const at = buttons.findIndex((choose) => choose.keyOf === key);
    this.detail.replaceChildren(h('p', { class: 'none' }, 'Choose a key to see its value.'));
    this.focus(buttons[at + 1] ?? buttons[at - 1] ?? null);
    buttons[at]?.parentElement.remove();
    if (!this.list.querySelector('button')) this.pattern.focus();
  }

  async create() {
    const name = h('input', { type: 'text', required: true, spellcheck: 'false', autocomplete: 'off' });
    const type = h('select', null, options(TYPES.map(([id, text]) => [id, text])));
    const first = h('textarea', { rows: 3, spellcheck: 'false' });
    const extra = h('input', { type: 'text', spellcheck: 'false', autocomplete: 'off' });
    const extraLabel = () => {
      const text = { hash: 'Field', zset: 'Score' }[type.value];
      const shown = extra.closest('.field');
      if (!shown) return;
      shown.hidden = text === undefined;
      if (text) shown.querySelector('label').textContent = text;
    };
    type.addEventListener('change', extraLabel);
    queueMicrotask(extraLabel);
    let key;
    const done = await dialog({
      title: 'New key',
      controls: {
        name: ['Name', name],
        type: ['Type', type],
        extra: ['Field', extra],
        first: ['Value', first],
      },
      action: 'Create',
      submit: async (form) => {
        key = fromText(form.name);
        const value = fromText(form.first);
        const commands = {
          string: ['SET', key, value, 'NX'],
          list: ['RPUSH', key, value],
          hash: ['HSET', key, fromText(form.extra), value],
          set: ['SADD', key, value],
          zset: ['ZADD', key, form.extra || '0', value],
        };
        if ((await ask('EXISTS', key)) === 1) throw new Error('There is a key of that name.');
        if ((await ask(...commands[form.type])) === null) throw new Error('There is a key of that name.');
      },
    });
    if (!done) return;
    await this.search();
    this.open(key);
  }
}
