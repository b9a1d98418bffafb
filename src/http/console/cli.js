// The command line: history, completion from COMMAND DOCS, replies as redis-cli shows them.
import { ask, chosen, runRaw } from './api.js';
import { fromText } from './bytes.js';
import { attempt, button, h, newId, say } from './dom.js';
import { parse, showFor, split } from './reply.js';

const HISTORY = 'corsac-history';
const HISTORY_MAX = 200;
const SHOWN_MAX = 300; // entries of the log
const MATCHES_MAX = 12;
// Lines that are neither kept nor shown whole: a password may stand in them.
const SECRET = /^\s*(auth|hello|acl|config\s+set\s+\S*(pass|auth)|migrate)\b/i;

const pairs = (flat) => {
  const map = {};
  for (let i = 0; i + 1 < flat.length; i += 2) map[flat[i]] = flat[i + 1];
  return map;
};

// Arguments as COMMAND DOCS describes them, in one line.
function syntaxOf(flat) {
  return flat
    .map((one) => {
      const { name, type, token, display_text: shown, flags = [], arguments: inner } = pairs(one);
      let text = type === 'pure-token' ? token : (shown ?? name);
      if (inner) text = type === 'oneof' ? inner.map((each) => syntaxOf([each])).join(' | ') : syntaxOf(inner);
      if (type === 'oneof' && !flags.includes('optional')) text = `<${text}>`;
      if (token && type !== 'pure-token') text = `${token === '' ? '""' : token} ${text}`;
      if (flags.includes('multiple')) text += ` [${text} ...]`;
      return flags.includes('optional') ? `[${text}]` : text;
    })
    .join(' ');
}

function flatten(docs, into) {
  for (const [name, flat] of Object.entries(pairs(docs))) {
    const { summary = '', arguments: args = [], subcommands } = pairs(flat);
    if (subcommands) flatten(subcommands, into);
    else into.push({ name: name.replace('|', ' ').toUpperCase(), summary, syntax: syntaxOf(args) });
  }
  return into;
}

export class CommandLine {
  name = 'cli';
  title = 'Command line';

  constructor() {
    this.history = JSON.parse(sessionStorage.getItem(HISTORY) ?? '[]');
    this.place = this.history.length;
    this.docs = [];
    this.log = h('div', { class: 'log code', role: 'log', 'aria-label': 'Replies', tabindex: '0' });
    this.hint = h('p', { class: 'hint code', id: newId() });
    this.matches = h('p', { class: 'matches' });
    this.prompt = h('label', { class: 'prompt code' });
    this.input = h('input', {
      id: newId(),
      class: 'code',
      type: 'text',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      'aria-describedby': this.hint.id,
      oninput: () => this.suggest(),
      onkeydown: (event) => this.key(event),
    });
    this.prompt.htmlFor = this.input.id;
    this.node = h(
      'div',
      null,
      h(
        'div',
        { class: 'view-head' },
        h('h1', { tabindex: '-1' }, 'Command line'),
        h(
          'span',
          { class: 'actions' },
          button('Clear', () => this.log.replaceChildren()),
        ),
      ),
      h(
        'div',
        { class: 'card cli' },
        this.log,
        h(
          'form',
          { class: 'entry', onsubmit: (event) => this.submit(event) },
          this.prompt,
          this.input,
          h('button', { type: 'submit', class: 'primary' }, 'Run'),
        ),
        this.hint,
        this.matches,
      ),
    );
  }

  async show() {
    this.prompt.replaceChildren(h('span', { class: 'unseen' }, 'Command for '), `db${chosen.db}>`);
    if (this.docs.length === 0) {
      const docs = await attempt(() => ask('COMMAND', 'DOCS'));
      if (docs) this.docs = flatten(docs, []).sort((a, b) => (a.name < b.name ? -1 : 1));
    }
    this.suggest();
  }

  // Commands that go on with what is typed, and the one that is typed already.
  find() {
    const typed = this.input.value.trimStart().toUpperCase().replace(/\s+/g, ' ');
    const going =
      typed === '' ? [] : this.docs.filter(({ name }) => name.startsWith(typed) && name !== typed.trimEnd());
    const whole = this.docs.filter(({ name }) => typed === name || typed.startsWith(`${name} `)).at(-1);
    return { typed, going, whole };
  }

  suggest() {
    const { typed, going, whole } = this.find();
    const one = whole ?? (going.length === 1 ? going[0] : null);
    this.hint.replaceChildren(
      ...(one
        ? [h('b', null, one.name), ` ${one.syntax}`, h('span', { class: 'muted' }, ` ${one.summary}`)]
        : [typed ? '' : h('span', { class: 'muted' }, 'Tab completes, the arrows go through the history.')]),
    );
    this.matches.replaceChildren(
      ...going
        .slice(0, MATCHES_MAX)
        .flatMap(({ name }) => [button(name, () => this.fill(`${name} `), { class: 'small', tabindex: '-1' }), ' ']),
      going.length > MATCHES_MAX ? `and ${going.length - MATCHES_MAX} more` : '',
    );
  }

  fill(text) {
    this.input.value = text;
    this.input.focus();
    this.suggest();
  }

  key(event) {
    if (event.key === 'Tab' && !event.shiftKey && this.complete()) event.preventDefault();
    if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      event.preventDefault();
      this.place = Math.min(Math.max(this.place + (event.key === 'ArrowUp' ? -1 : 1), 0), this.history.length);
      this.fill(this.history[this.place] ?? '');
    }
    if (event.key === 'l' && event.ctrlKey) {
      event.preventDefault();
      this.log.replaceChildren();
    }
  }

  // As far as all that match agree; then the first of them. False where there is nothing to complete, so that Tab
  // goes on to the next element.
  complete() {
    const { typed, going } = this.find();
    if (going.length === 0) return false;
    let common = going[0].name;
    for (const { name } of going) while (!name.startsWith(common)) common = common.slice(0, -1);
    this.fill(common.length > typed.length && going.length > 1 ? common : `${going[0].name} `);
    return true;
  }

  async submit(event) {
    event.preventDefault();
    const typed = this.input.value;
    if (typed.trim() === '') return;
    this.remember(typed);
    this.input.value = '';
    this.suggest();
    let shown;
    try {
      shown = await this.run(split(fromText(typed)));
    } catch (error) {
      shown = [`(error) ${error.message}`, true];
    }
    this.add(typed, ...shown);
  }

  // The text of the reply, and whether it is an error.
  async run(words) {
    if (words[0].toLowerCase() === 'select' && words.length === 2) {
      if (!/^\d+$/.test(words[1])) return ['(error) ERR invalid DB index', true];
      this.node.dispatchEvent(new CustomEvent('choose-db', { detail: Number(words[1]), bubbles: true }));
      await this.show();
      return ['OK', false];
    }
    const reply = parse(await runRaw(words));
    return [showFor(words, reply), reply.type === 'error'];
  }

  add(typed, reply, bad) {
    this.log.append(
      h(
        'div',
        { class: 'said' },
        h(
          'div',
          { class: 'asked' },
          `db${chosen.db}> ${SECRET.test(typed) ? typed.replace(/\s\S+\s*$/, ' …') : typed}`,
        ),
        h('pre', { class: bad ? 'bad' : null }, reply),
      ),
    );
    while (this.log.childElementCount > SHOWN_MAX) this.log.firstElementChild.remove();
    this.log.scrollTop = this.log.scrollHeight;
  }

  remember(typed) {
    if (!SECRET.test(typed) && this.history.at(-1) !== typed) this.history.push(typed);
    while (this.history.length > HISTORY_MAX) this.history.shift();
    this.place = this.history.length;
    try {
      sessionStorage.setItem(HISTORY, JSON.stringify(this.history));
    } catch {
      say('The history is too long to be kept.', true);
    }
  }
}
