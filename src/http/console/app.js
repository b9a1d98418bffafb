// The page's frame: views by the address' fragment, the theme, the database, the password, and whether the server
// answers.
import { ask, chosen, Refused, setToken } from './api.js';
import { Clients } from './clients.js';
import { CommandLine } from './cli.js';
import { ask as dialog, h, options, say } from './dom.js';
import { Keys } from './keys.js';
import { Overview } from './overview.js';
import { sampler } from './samples.js';
import { Slowlog } from './slowlog.js';

const THEME = 'corsac-theme';
const THEMES = ['auto', 'light', 'dark'];

const views = [new Overview(), new Keys(), new CommandLine(), new Clients(), new Slowlog()];
const main = document.getElementById('main');
const state = document.getElementById('state');
const databases = document.getElementById('db');
const theme = document.getElementById('theme');
let shown = null;

function route(focus = true) {
  const view = views.find(({ name }) => name === location.hash.slice(1)) ?? views[0];
  if (view === shown) return;
  shown?.hide?.();
  for (const other of views) other.node.hidden = other !== view;
  for (const link of document.querySelectorAll('#views a')) {
    if (link.hash === `#${view.name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${view.title} – Corsac console`;
  shown = view;
  view.show();
  // So that a reader begins with the view, and Tab goes on in it.
  if (focus) {
    view.node.querySelector('h1').focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function setTheme(name) {
  if (name === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  theme.replaceChildren(h('span', null, 'Theme: '), name);
  theme.setAttribute('aria-label', `Theme: ${name}`);
  localStorage.setItem(THEME, name);
}

function chooseDatabase(db) {
  if (![...databases.options].some(({ value }) => Number(value) === db)) return;
  chosen.db = db;
  databases.value = String(db);
  shown.show();
}

let asking = false;
async function askToken() {
  if (asking) return;
  asking = true;
  const control = h('input', { type: 'password', required: true, autocomplete: 'current-password' });
  const entered = await dialog({
    title: 'Password',
    text: 'The server wants its password (requirepass). It is kept until this tab is closed.',
    controls: { token: ['Password', control] },
    action: 'Enter',
    submit: async ({ token }) => {
      setToken(token);
      try {
        await ask('PING');
      } catch (error) {
        setToken(null);
        throw error instanceof Refused ? new Error('That is not the password.') : error;
      }
    },
  });
  asking = false;
  if (!entered) {
    say('Without the password there is nothing to see: load the page again to enter it.');
    return;
  }
  await greet();
  sampler.again();
}

// What is asked once: how many databases there are.
async function greet() {
  try {
    const [, number] = await ask('CONFIG', 'GET', 'databases');
    databases.replaceChildren(
      ...options(
        Array.from({ length: Number(number) }, (_, i) => String(i)),
        String(chosen.db),
      ),
    );
    shown.show();
  } catch (error) {
    tell(error);
  }
}

function setState(text, kind) {
  // A reader would say it again each second.
  if (state.textContent !== text) state.textContent = text;
  state.className = `state ${kind}`;
}

function tell(error) {
  if (error instanceof Refused) {
    setState('locked', 'bad');
    askToken();
  } else {
    setState('no answer', 'bad');
  }
}

document
  .getElementById('views')
  .replaceChildren(...views.map(({ name, title }) => h('li', null, h('a', { href: `#${name}` }, title))));
main.replaceChildren(...views.map(({ node }) => node));
document.querySelector('.skip').addEventListener('click', (event) => {
  // The fragment is the view's.
  event.preventDefault();
  main.focus();
});
addEventListener('hashchange', () => route());
main.addEventListener('choose-db', ({ detail }) => chooseDatabase(detail));
databases.addEventListener('change', () => chooseDatabase(Number(databases.value)));
theme.addEventListener('click', () => {
  setTheme(THEMES[(THEMES.indexOf(localStorage.getItem(THEME) ?? 'auto') + 1) % THEMES.length]);
});
sampler.listen((sample, error) => {
  if (error) tell(error);
  else if (sampler.info.get('loading') === '1') setState('loading', 'warn');
  else setState('live', 'good');
});

setTheme(THEMES.includes(localStorage.getItem(THEME)) ? localStorage.getItem(THEME) : 'auto');
route(false);
await greet();
sampler.start();
