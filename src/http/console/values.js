// Values, by type: each shows a page at a time, and changes an element by a command of its type.
import { ask, runTogether } from './api.js';
import { escape, fromText, isPlain, line, toText, unescape } from './bytes.js';
import { bytes, count } from './format.js';
import { ask as dialog, attempt, button, h, put, say, table } from './dom.js';

const PAGE = 100; // elements
const STRING_MAX = 1 << 18; // bytes that are shown and can be edited

export const TYPES = [
  ['string', 'string'],
  ['list', 'list'],
  ['hash', 'hash'],
  ['set', 'set'],
  ['zset', 'sorted set'],
];

// Text is edited as it is; other bytes are escaped, and then every backslash is, too.
function textOf(value) {
  return isPlain(value) ? toText(value) : escape(value);
}

function bytesOf(text, escaped) {
  return escaped ? unescape(text) : fromText(text);
}

function area(value, rows = 3) {
  return h('textarea', { rows, spellcheck: 'false', value: value === null ? '' : textOf(value) });
}

function escapedNote(value) {
  return value !== null && !isPlain(value) ? ' (bytes that are no text as \\xHH)' : '';
}

class StringValue {
  constructor(key) {
    this.key = key;
    this.text = h('textarea', { class: 'code', rows: 14, spellcheck: 'false', 'aria-label': 'Value' });
    this.note = h('p', { class: 'muted' });
    this.save = button('Save', () => this.store(), { class: 'primary' });
    this.format = button('Format JSON', () => this.pretty());
    this.node = h(
      'div',
      { class: 'string' },
      this.note,
      this.text,
      h('div', { class: 'actions' }, this.format, this.save),
    );
  }

  async load() {
    const size = await ask('STRLEN', this.key);
    const value = await ask('GETRANGE', this.key, 0, STRING_MAX - 1);
    const whole = size <= STRING_MAX;
    this.escaped = !isPlain(value);
    this.text.value = textOf(value);
    this.text.readOnly = !whole;
    this.save.hidden = !whole;
    this.format.hidden = !/^\s*[[{]/.test(this.text.value) || this.escaped;
    this.note.textContent = [
      bytes(size),
      this.escaped ? 'bytes that are no text are shown as \\xHH, a backslash as \\\\' : '',
      whole ? '' : `only the first ${bytes(STRING_MAX)} are shown, and cannot be edited`,
    ]
      .filter(Boolean)
      .join('; ');
  }

  pretty() {
    try {
      this.text.value = JSON.stringify(JSON.parse(this.text.value), null, 2);
    } catch {
      say('This is not JSON.', true);
    }
  }

  async store() {
    await attempt(async () => {
      await ask('SET', this.key, bytesOf(this.text.value, this.escaped), 'KEEPTTL');
      say('The value was saved.');
      await this.load();
    });
  }
}

// What collections have in common. A type says how many elements there are (`size`), how a page is read (`read`, which
// returns rows and whether there are more), its columns, and how an element is added, changed and taken out.
class Collection {
  constructor(type, key, reopen) {
    Object.assign(this, { type, key, reopen, from: type.first });
    this.note = h('p', { class: 'muted' });
    this.list = h('div');
    this.back = button('First page', () => this.go(type.first), { hidden: true });
    this.next = button('Next page', () => this.go(this.after), { hidden: true });
    this.add = button('Add', () => this.edit(null), { class: 'primary' });
    this.node = h(
      'div',
      null,
      h('div', { class: 'card-head' }, this.note, h('span', { class: 'actions' }, this.back, this.next, this.add)),
      this.list,
    );
  }

  go(from) {
    this.from = from;
    return attempt(() => this.load());
  }

  async load() {
    const size = await ask(this.type.size, this.key);
    const { rows, after } = await this.type.read(this.key, this.from);
    // The last element takes the key with it.
    if (size === 0) {
      this.reopen();
      return;
    }
    this.after = after;
    this.next.hidden = after === null;
    this.back.hidden = this.from === this.type.first;
    const part = rows.length < size ? `, ${count(rows.length)} on this page` : '';
    this.note.textContent = `${count(size)} elements${part}`;
    put(
      this.list,
      table(
        'Elements',
        [...this.type.columns, h('span', { class: 'unseen' }, 'Actions')],
        rows.map((row) => this.row(row)),
      ),
    );
  }

  row(row) {
    const name = this.type.name(row);
    return h(
      'tr',
      null,
      this.type.cells(row).map((cell) => h('td', { class: 'code value' }, cell)),
      h(
        'td',
        { class: 'n nowrap' },
        this.type.fixed
          ? null
          : button('Edit', () => this.edit(row), { class: 'small', 'aria-label': `Edit ${name}` }),
        ' ',
        button('Delete', () => this.remove(row, name), {
          class: 'small danger',
          'aria-label': `Delete ${name}`,
        }),
      ),
    );
  }

  async edit(row) {
    const { controls, store } = this.type.form(this.key, row);
    const done = await dialog({
      title: row ? 'Edit element' : 'Add element',
      controls,
      action: 'Save',
      submit: store,
    });
    if (!done) return;
    say('The element was saved.');
    await this.reopen();
  }

  async remove(row, name) {
    const done = await dialog({
      title: 'Delete this element?',
      text: name,
      action: 'Delete',
      danger: true,
      submit: () => this.type.remove(this.key, row),
    });
    if (!done) return;
    say('The element was deleted.');
    await this.reopen();
    this.add.focus();
  }
}

// A page by SCAN's cursor: [cursor, flat]; `width` words make a row.
async function scan(command, key, cursor, width) {
  const [after, flat] = await ask(command, key, cursor, 'COUNT', PAGE);
  const rows = [];
  for (let i = 0; i < flat.length; i += width) rows.push(flat.slice(i, i + width));
  return { rows, after: after === '0' ? null : after };
}

const hash = {
  first: '0',
  size: 'HLEN',
  columns: ['Field', 'Value'],
  read: (key, cursor) => scan('HSCAN', key, cursor, 2),
  name: ([field]) => line(field),
  cells: ([field, value]) => [line(field), line(value)],
  form(key, row) {
    const [field, value] = row ?? [null, null];
    const name = area(field, 1);
    name.readOnly = row !== null;
    return {
      controls: {
        field: [`Field${escapedNote(field)}`, name],
        value: [`Value${escapedNote(value)}`, area(value, 6)],
      },
      store: (form) =>
        ask('HSET', key, field ?? fromText(form.field), bytesOf(form.value, value !== null && !isPlain(value))),
    };
  },
  remove: (key, [field]) => ask('HDEL', key, field),
};

const set = {
  first: '0',
  size: 'SCARD',
  columns: ['Member'],
  read: (key, cursor) => scan('SSCAN', key, cursor, 1),
  name: ([member]) => line(member),
  cells: ([member]) => [line(member)],
  // A member has nothing but itself.
  fixed: true,
  form: (key) => ({
    controls: { member: ['Member', area(null)] },
    store: async ({ member }) => {
      if ((await ask('SADD', key, fromText(member))) === 0) throw new Error('It is a member already.');
    },
  }),
  remove: (key, [member]) => ask('SREM', key, member),
};

const zset = {
  first: 0,
  size: 'ZCARD',
  columns: [['Score', 'n'], 'Member'],
  async read(key, from) {
    const flat = await ask('ZRANGE', key, from, from + PAGE - 1, 'WITHSCORES');
    const rows = [];
    for (let i = 0; i < flat.length; i += 2) rows.push([flat[i], flat[i + 1]]);
    return { rows, after: rows.length === PAGE ? from + PAGE : null };
  },
  name: ([member]) => line(member),
  cells: ([member, score]) => [String(score), line(member)],
  form(key, row) {
    const [member, score] = row ?? [null, '0'];
    const name = area(member, 1);
    name.readOnly = row !== null;
    return {
      controls: {
        score: ['Score', h('input', { type: 'text', required: true, value: String(score), inputmode: 'decimal' })],
        member: [`Member${escapedNote(member)}`, name],
      },
      store: (form) => ask('ZADD', key, form.score, member ?? fromText(form.member)),
    };
  },
  remove: (key, [member]) => ask('ZREM', key, member),
};

const list = {
  first: 0,
  size: 'LLEN',
  columns: [['Index', 'n'], 'Element'],
  async read(key, from) {
    const elements = await ask('LRANGE', key, from, from + PAGE - 1);
    return {
      rows: elements.map((element, i) => [from + i, element]),
      after: elements.length === PAGE ? from + PAGE : null,
    };
  },
  name: ([index]) => `element ${index}`,
  cells: ([index, element]) => [String(index), line(element)],
  form(key, row) {
    const [index, element] = row ?? [null, null];
    const where = h(
      'select',
      null,
      h('option', { value: 'RPUSH' }, 'at the end'),
      h('option', { value: 'LPUSH' }, 'at the beginning'),
    );
    const value = [`Element${escapedNote(element)}`, area(element, 6)];
    return row
      ? {
          controls: { value },
          store: (form) => ask('LSET', key, index, bytesOf(form.value, !isPlain(element))),
        }
      : {
          controls: { where: ['Where', where], value },
          store: (form) => ask(form.where, key, fromText(form.value)),
        };
  },
  // By a mark that no other element is, as lists have no command for an index. One transaction, so that nobody sees
  // it.
  remove(key, [index]) {
    const mark = `deleted:${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;
    return runTogether([
      ['LSET', key, index, mark],
      ['LREM', key, 1, mark],
    ]);
  },
};

class UnknownValue {
  constructor(type) {
    this.node = h('p', { class: 'none' }, `Values of type ${type} are shown by the command line.`);
  }

  async load() {}
}

const COLLECTIONS = { hash, set, zset, list };

// `reopen` shows the key again after a change.
export function editorFor(type, key, reopen) {
  if (type === 'string') return new StringValue(key);
  if (COLLECTIONS[type]) return new Collection(COLLECTIONS[type], key, reopen);
  return new UnknownValue(type);
}
