// The first view: how the server is, at a glance.
import { Chart } from './chart.js';
import { bytes, count, micros, percent, seconds } from './format.js';
import { h, put, table } from './dom.js';
import { Ring } from './ring.js';
import { keysOf, rowsOf, sampler } from './samples.js';

const BUSIEST = 8;

const TILES = [
  ['Requests', (s) => `${count(s.ops)}/s`],
  ['Slowest 1 %', (s) => micros(s.p99)],
  ['Memory', (s) => bytes(s.memory)],
  ['Keys', (s, info) => count(keysOf(info))],
  ['Clients', (s, info) => count(Number(info.get('connected_clients')))],
  ['Found', (s) => percent(s.hit)],
  ['CPU', (s) => percent(s.cpu)],
  ['Errors', (s, info) => count(Number(info.get('total_error_replies')))],
];

const WORKING = { ok: 'good', err: 'bad' };

// Rows of [name, value, state]; a state is good, bad or none.
function facts(info) {
  const on = info.get('aof_enabled') === '1';
  const pos = (name) => Number(info.get(`aof_${name}position`) ?? 0);
  const rows = [
    ['Version', info.get('corsac_version')],
    ['Up', seconds(Number(info.get('uptime_in_seconds')))],
    ['Role', info.get('role')],
    ['Append-only file', on ? bytes(Number(info.get('aof_current_size') ?? 0)) : 'off', on ? null : 'warn'],
    ['Last write', info.get('aof_last_write_status'), WORKING[info.get('aof_last_write_status')]],
    [
      'Last rewrite',
      info.get('aof_rewrite_in_progress') === '1' ? 'in progress' : info.get('aof_last_bgrewrite_status'),
      WORKING[info.get('aof_last_bgrewrite_status')],
    ],
    ['Not synced yet', on ? bytes(Math.max(0, pos('') - pos('synced_'))) : '–'],
    ['Highest memory', bytes(Number(info.get('used_memory_peak')))],
    ['Resident per used', info.get('mem_fragmentation_ratio')],
    ['Expired keys', count(Number(info.get('expired_keys')))],
    ['Blocked clients', info.get('blocked_clients')],
    ['Refused connections', count(Number(info.get('rejected_connections')))],
  ];
  return rows.map(([name, value, state]) =>
    h('div', null, h('dt', null, name), h('dd', { class: state ?? null }, value ?? '–')),
  );
}

export class Overview {
  name = 'overview';
  title = 'Overview';

  constructor() {
    this.tiles = TILES.map(([name]) => [name, h('dd', null, '–')]);
    this.charts = [
      new Chart({
        title: 'Throughput',
        format: (n) => `${count(n)}/s`,
        series: [{ key: 'ops', name: 'requests' }],
      }),
      new Chart({
        title: 'Time per request',
        format: micros,
        series: [
          { key: 'p99', name: 'slowest 1 %' },
          { key: 'p50', name: 'median' },
        ],
      }),
      new Chart({
        title: 'Memory',
        format: bytes,
        binary: true,
        series: [
          { key: 'rss', name: 'resident' },
          { key: 'memory', name: 'used' },
        ],
      }),
      new Chart({
        title: 'Network',
        format: (n) => `${bytes(n)}/s`,
        binary: true,
        series: [
          { key: 'out', name: 'out' },
          { key: 'in', name: 'in' },
        ],
      }),
    ];
    this.ring = new Ring();
    this.commands = h('div');
    this.databases = h('div');
    this.facts = h('dl', { class: 'facts-list' });
    this.node = h(
      'div',
      null,
      h('h1', { class: 'unseen', tabindex: '-1' }, 'Overview'),
      h(
        'dl',
        { class: 'tiles' },
        this.tiles.map(([name, value]) => h('div', { class: 'card tile' }, h('dt', null, name), value)),
      ),
      h(
        'div',
        { class: 'charts' },
        this.charts.map(({ node }) => node),
      ),
      h(
        'div',
        { class: 'panels' },
        this.ring.node,
        h(
          'section',
          { class: 'card', 'aria-labelledby': 'busiest' },
          h('h2', { id: 'busiest' }, 'Busiest commands'),
          this.commands,
          h('h2', { id: 'databases' }, 'Databases'),
          this.databases,
        ),
        h('section', { class: 'card', 'aria-labelledby': 'server' }, h('h2', { id: 'server' }, 'Server'), this.facts),
      ),
    );
    sampler.listen((sample) => sample && !this.node.hidden && this.draw());
  }

  show() {
    if (sampler.info) this.draw();
  }

  draw() {
    const { info, samples } = sampler;
    const sample = samples.at(-1);
    for (const [i, [, value]] of this.tiles.entries()) value.textContent = TILES[i][1](sample, info);
    for (const chart of this.charts) chart.draw(samples);
    this.ring.draw(info);
    this.drawCommands();
    this.drawDatabases(info);
    this.facts.replaceChildren(...facts(info));
  }

  drawCommands() {
    const rows = [...sampler.rates].sort(([, [a]], [, [b]]) => b - a).slice(0, BUSIEST);
    if (rows.length === 0) {
      this.commands.replaceChildren(h('p', { class: 'none' }, 'Nobody asks anything.'));
      return;
    }
    put(
      this.commands,
      table(
        'Busiest commands',
        ['Command', ['Calls/s', 'n'], ['Time', 'n']],
        rows.map(([name, [calls, us]]) =>
          h(
            'tr',
            null,
            h('th', { scope: 'row' }, name.replace('|', ' ').toUpperCase()),
            h('td', { class: 'n' }, count(calls)),
            h('td', { class: 'n' }, micros(us)),
          ),
        ),
      ),
    );
  }

  drawDatabases(info) {
    const rows = [...rowsOf(info, 'db')];
    if (rows.length === 0) {
      this.databases.replaceChildren(h('p', { class: 'none' }, 'There are no keys.'));
      return;
    }
    put(
      this.databases,
      table(
        'Databases',
        ['Database', ['Keys', 'n'], ['Expire', 'n']],
        rows.map(([name, { keys, expires }]) =>
          h(
            'tr',
            null,
            h('th', { scope: 'row' }, name),
            h('td', { class: 'n' }, count(Number(keys))),
            h('td', { class: 'n' }, count(Number(expires))),
          ),
        ),
      ),
    );
  }
}
