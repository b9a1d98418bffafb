// What the curves are drawn from: INFO and the latency histograms, asked each second while the page is visible.
import { chosen, Refused, ReplyError, run } from './api.js';
import { toText } from './bytes.js';

const EVERY_MS = 1000;
export const WINDOW = 120; // samples that are kept: two minutes
// The console's own requests, which the curves leave out.
const OWN = new Set(['info', 'latency|histogram']);

export function parseInfo(text) {
  const info = new Map();
  for (const row of text.split('\r\n')) {
    const colon = row.indexOf(':');
    if (colon > 0 && row[0] !== '#') info.set(row.slice(0, colon), row.slice(colon + 1));
  }
  return info;
}

// "a=1,b=2" as an object.
export function parsePairs(text) {
  return Object.fromEntries(text.split(',').map((pair) => pair.split('=')));
}

// Rows whose names begin so, by the rest of the name: 'cmdstat_' gives {get: {calls, ...}}.
export function rowsOf(info, prefix) {
  const rows = new Map();
  for (const [name, value] of info)
    if (name.startsWith(prefix) && value.includes('=')) rows.set(name.slice(prefix.length), parsePairs(value));
  return rows;
}

// LATENCY HISTOGRAM counts up: how many calls took at most so many microseconds. Gives how many are in each bucket,
// all commands together.
function buckets(reply) {
  const sums = new Map();
  for (let i = 0; i + 1 < reply.length; i += 2) {
    if (OWN.has(reply[i])) continue;
    const counts = reply[i + 1][3];
    let below = 0;
    for (let j = 0; j + 1 < counts.length; j += 2) {
      sums.set(counts[j], (sums.get(counts[j]) ?? 0) + counts[j + 1] - below);
      below = counts[j + 1];
    }
  }
  return sums;
}

// Of the calls between two samples. Within a bucket, whose bounds are powers of two, they are taken as spread evenly.
function percentile(now, before, part) {
  const fresh = [...now]
    .map(([bound, n]) => [bound, n - (before.get(bound) ?? 0)])
    .filter(([, n]) => n > 0)
    .sort(([a], [b]) => a - b);
  const total = fresh.reduce((sum, [, n]) => sum + n, 0);
  let left = total * part;
  for (const [bound, n] of fresh) {
    if (n >= left) return bound / 2 + (bound / 2) * (left / n);
    left -= n;
  }
  return null;
}

class Sampler {
  samples = [];
  info = null;
  rates = new Map(); // of each command: calls a second, microseconds a call
  #before = null;
  #listeners = new Set();
  #timer = null;

  // `listener` is called with each sample, and with null when the server does not answer.
  listen(listener) {
    this.#listeners.add(listener);
  }

  start() {
    document.addEventListener('visibilitychange', () => this.#schedule(0));
    this.#schedule(0);
  }

  // At once, say after the password was given.
  again() {
    this.#schedule(0);
  }

  #schedule(ms) {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => this.#poll(), ms);
    // A gap in time is a gap in the curves.
    else this.#before = null;
  }

  async #poll() {
    const begin = performance.now();
    try {
      const [info, histogram] = await run([
        ['INFO', 'everything'],
        ['LATENCY', 'HISTOGRAM'],
      ]);
      if (info instanceof ReplyError) throw info;
      this.#take(parseInfo(toText(info) ?? info), histogram instanceof ReplyError ? [] : histogram);
      for (const listener of this.#listeners) listener(this.samples.at(-1), null);
    } catch (error) {
      this.#before = null;
      for (const listener of this.#listeners) listener(null, error);
      // Asking on would be guessing at the password: `again` goes on.
      if (error instanceof Refused) return;
    }
    this.#schedule(Math.max(0, EVERY_MS - (performance.now() - begin)));
  }

  #take(info, histogram) {
    const number = (name) => Number(info.get(name) ?? 0);
    const now = {
      us: number('server_time_usec'),
      commands: number('total_commands_processed'),
      hits: number('keyspace_hits'),
      misses: number('keyspace_misses'),
      in: number('total_net_input_bytes'),
      out: number('total_net_output_bytes'),
      cpu: number('used_cpu_user') + number('used_cpu_sys'),
      calls: rowsOf(info, 'cmdstat_'),
      buckets: buckets(histogram),
      run: info.get('run_id'),
    };
    const before = this.#before?.run === now.run ? this.#before : null;
    const s = before ? (now.us - before.us) / 1e6 : 0;
    const rate = (name) => (s > 0 && now[name] >= before[name] ? (now[name] - before[name]) / s : null);
    const own = before ? 2 / s : 0;
    const looked = before ? now.hits + now.misses - before.hits - before.misses : 0;
    this.samples.push({
      at: Date.now(),
      ops: rate('commands') === null ? null : Math.max(0, rate('commands') - own),
      p50: before && percentile(now.buckets, before.buckets, 0.5),
      p99: before && percentile(now.buckets, before.buckets, 0.99),
      memory: number('used_memory'),
      rss: number('used_memory_rss'),
      in: rate('in'),
      out: rate('out'),
      cpu: rate('cpu'),
      hit: looked > 0 ? (now.hits - before.hits) / looked : null,
    });
    if (this.samples.length > WINDOW) this.samples.shift();
    this.rates = new Map();
    for (const [name, { calls, usec }] of now.calls) {
      const old = before?.calls.get(name) ?? { calls: 0, usec: 0 };
      if (before && !OWN.has(name) && Number(calls) > Number(old.calls))
        this.rates.set(name, [(calls - old.calls) / s, (usec - old.usec) / (calls - old.calls)]);
    }
    this.info = info;
    this.#before = now;
  }
}

export const sampler = new Sampler();

// Keys of all databases, or of the chosen one.
export function keysOf(info, db = null) {
  let keys = 0;
  for (const [name, row] of rowsOf(info, 'db')) if (db === null || Number(name) === db) keys += Number(row.keys);
  return keys;
}

export function keysHere(info) {
  return keysOf(info, chosen.db);
}
