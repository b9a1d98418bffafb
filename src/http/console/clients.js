// Who is connected.
import { ask } from './api.js';
import { toText } from './bytes.js';
import { bytes, count, seconds } from './format.js';
import { ask as dialog, button, field, h, put, say, table } from './dom.js';

const EVERY_MS = 2000;

const COLUMNS = [
  ['id', 'Id', Number],
  ['addr', 'Address', String],
  ['name', 'Name', String],
  ['age', 'Age', Number, seconds],
  ['idle', 'Idle', Number, seconds],
  ['db', 'Db', Number],
  ['cmd', 'Last command', String],
  ['flags', 'Flags', String],
  ['tot-mem', 'Memory', Number, bytes],
  ['lib-name', 'Library', String],
];

const parse = (row) =>
  Object.fromEntries(
    row.split(' ').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );

export class Clients {
  name = 'clients';
  title = 'Clients';

  constructor() {
    this.by = ['id', 1];
    this.rows = [];
    this.filter = h('input', { type: 'search', oninput: () => this.draw() });
    this.total = h('span', { class: 'muted' });
    this.list = h('div');
    this.node = h(
      'div',
      null,
      h(
        'div',
        { class: 'view-head' },
        h('h1', { tabindex: '-1' }, 'Clients'),
        this.total,
        field('Filter', this.filter),
      ),
      h('div', { class: 'card flush' }, this.list),
    );
  }

  show() {
    this.poll();
  }

  hide() {
    clearTimeout(this.timer);
  }

  async poll() {
    clearTimeout(this.timer);
    if (!document.hidden) {
      const reply = await ask('CLIENT', 'LIST').catch(() => null);
      if (reply !== null) {
        this.rows = (toText(reply) ?? reply).trim().split('\n').filter(Boolean).map(parse);
        this.draw();
      }
    }
    if (!this.node.hidden) this.timer = setTimeout(() => this.poll(), EVERY_MS);
  }

  draw() {
    // A list that is made anew while a person is in it would take the focus away.
    if (this.list.contains(document.activeElement) && this.list.querySelector('tbody :focus')) return;
    const focused = document.activeElement?.dataset?.column;
    const wanted = this.filter.value.toLowerCase();
    const [key, way] = this.by;
    const type = COLUMNS.find(([name]) => name === key)[2];
    const rows = this.rows
      .filter((row) => Object.values(row).some((value) => value.toLowerCase().includes(wanted)))
      .sort((a, b) => {
        const [x, y] = [type(a[key] ?? ''), type(b[key] ?? '')];
        return (x < y ? -1 : x > y ? 1 : 0) * way;
      });
    this.total.textContent =
      rows.length === this.rows.length ? count(rows.length) : `${rows.length} of ${this.rows.length}`;
    put(
      this.list,
      table(
        'Clients',
        [
          ...COLUMNS.map(([name, text, kind]) => [this.sorter(name, text), kind === Number ? 'n' : null]),
          h('span', { class: 'unseen' }, 'Actions'),
        ],
        rows.map((row) => this.row(row)),
      ),
    );
    for (const th of this.list.querySelectorAll('th')) {
      const column = th.querySelector('button')?.dataset.column;
      if (column === key) th.setAttribute('aria-sort', way > 0 ? 'ascending' : 'descending');
    }
    if (focused) this.list.querySelector(`[data-column="${focused}"]`)?.focus();
  }

  sorter(name, text) {
    const mark = this.by[0] === name ? (this.by[1] > 0 ? ' ↑' : ' ↓') : '';
    return button(
      text + mark,
      () => {
        this.by = [name, this.by[0] === name ? -this.by[1] : 1];
        this.draw();
      },
      { class: 'sorter', 'data-column': name },
    );
  }

  row(row) {
    return h(
      'tr',
      null,
      COLUMNS.map(([name, , kind, format]) =>
        h('td', { class: kind === Number ? 'n' : null }, format ? format(Number(row[name])) : row[name] || ''),
      ),
      h(
        'td',
        { class: 'n' },
        button('Close', () => this.kill(row), {
          class: 'small',
          'aria-label': `Close client ${row.id} at ${row.addr}`,
        }),
      ),
    );
  }

  async kill({ id, addr }) {
    const gone = await dialog({
      title: `Close client ${id}?`,
      text: `The connection from ${addr} ends; most clients connect again.`,
      action: 'Close it',
      danger: true,
      submit: () => ask('CLIENT', 'KILL', 'ID', id),
    });
    if (!gone) return;
    say(`Client ${id} was closed.`);
    this.filter.focus();
    this.poll();
  }
}
