// The commands that took longest.
import { ask, run, ReplyError } from './api.js';
import { line } from './bytes.js';
import { micros } from './format.js';
import { ask as dialog, button, h, put, say, table } from './dom.js';

const EVERY_MS = 5000;
const SHOWN = 128;

export class Slowlog {
  name = 'slowlog';
  title = 'Slow log';

  constructor() {
    this.list = h('div');
    this.rule = h('span', { class: 'muted' });
    this.node = h(
      'div',
      null,
      h(
        'div',
        { class: 'view-head' },
        h('h1', { tabindex: '-1' }, 'Slow log'),
        this.rule,
        h(
          'span',
          { class: 'actions' },
          button('Threshold', () => this.setThreshold()),
          button('Empty', () => this.reset()),
        ),
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
      const replies = await run([
        ['SLOWLOG', 'GET', SHOWN],
        ['CONFIG', 'GET', 'slowlog-log-slower-than'],
      ]).catch(() => null);
      if (replies && !replies.some((reply) => reply instanceof ReplyError)) this.draw(...replies);
    }
    if (!this.node.hidden) this.timer = setTimeout(() => this.poll(), EVERY_MS);
  }

  draw(entries, [, threshold]) {
    this.threshold = Number(threshold);
    this.rule.textContent =
      this.threshold < 0 ? 'nothing is recorded' : `commands of ${micros(this.threshold)} and longer`;
    if (this.list.querySelector('tbody :focus')) return;
    if (entries.length === 0) {
      this.list.replaceChildren(h('p', { class: 'none' }, 'No command was slow.'));
      return;
    }
    put(
      this.list,
      table(
        'Slow commands',
        [['Id', 'n'], 'When', ['Took', 'n'], 'Command', 'Client'],
        entries.map(([id, at, us, words, addr, name]) =>
          h(
            'tr',
            null,
            h('td', { class: 'n' }, String(id)),
            h('td', { class: 'nowrap' }, new Date(at * 1000).toLocaleString()),
            h('td', { class: 'n' }, micros(us)),
            h('td', { class: 'code' }, words.map(line).join(' ')),
            h('td', null, [addr, name].filter(Boolean).map(line).join(' ')),
          ),
        ),
      ),
    );
  }

  async setThreshold() {
    const control = h('input', {
      type: 'number',
      min: -1,
      required: true,
      value: String(this.threshold ?? 10000),
    });
    const done = await dialog({
      title: 'Record commands that take longer than',
      text: 'Microseconds; 0 records every command, -1 none.',
      controls: { us: ['Microseconds', control] },
      action: 'Set',
      submit: ({ us }) => ask('CONFIG', 'SET', 'slowlog-log-slower-than', us),
    });
    if (done) this.poll();
  }

  async reset() {
    const done = await dialog({
      title: 'Empty the slow log?',
      text: 'What it holds is lost.',
      action: 'Empty it',
      danger: true,
      submit: () => ask('SLOWLOG', 'RESET'),
    });
    if (!done) return;
    say('The slow log is empty.');
    this.poll();
  }
}
