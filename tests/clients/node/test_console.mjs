// The console in Chromium: what a person sees and does there, by pointer, by keyboard, on a phone, with a screen reader.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { launch, Person } from './browser.mjs';
import { freePort, run, Server, sleep, test as testFor, until } from './harness.mjs';

// A browser takes its time on a busy machine.
const PATIENCE_MS = 90000;
const test = (what, body) => testFor(what, body, PATIENCE_MS);

const VIEWS = ['overview', 'keys', 'cli', 'clients', 'slowlog'];
const PICTURES = join(process.env.CORSAC_ROOT, 'build', 'screenshots');

const httpPort = await freePort();
const server = await Server.start('--http-port', httpPort, '--shards', 4, '--appendonly', 'yes');
const url = `http://127.0.0.1:${httpPort}/`;
const redis = new Redis(server.address).on('error', () => {}); // while a test restarts it
const browser = await launch();

// A person at the console with no keys but these.
async function open(options) {
  await redis.flushall();
  return Person.at(browser, url, options);
}

async function key(person, name) {
  await person.go('keys');
  await person.page.getByLabel('Pattern').fill(name);
  await person.page.getByRole('button', { name: 'Search' }).click();
  await person.page.locator('.keys button', { hasText: name }).first().click();
  await person.page.locator('.detail h2', { hasText: name }).waitFor();
}

const said = (person, text) => person.page.locator('#toast', { hasText: text }).waitFor();

test('the page is its own files, and may run nothing else', async () => {
  const response = await fetch(url);
  const policy = response.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  const text = await response.text();
  assert.doesNotMatch(text, /<script>|<style|style=|\son\w+=|https?:/);
  const again = await fetch(url, { headers: { 'If-None-Match': response.headers.get('etag') } });
  assert.equal(again.status, 304);
  assert.equal((await fetch(`${url}console/nosuch.js`)).status, 404);
  assert.equal((await fetch(`${url}console/..%2fapi.js`)).status, 404);
});

test('figures move', async () => {
  const person = await open();
  const figure = (name) => person.page.locator('.tile', { hasText: name }).locator('dd');
  const traffic = setInterval(() => {
    for (let i = 0; i < 200; i += 1) redis.set(`k${i}`, 'v');
  }, 50);
  await until(async () => /^[1-9],?\d{2,}.*\/s$/.test(await figure('Requests').textContent()));
  await until(async () => /µs|ms/.test(await figure('Slowest 1 %').textContent()));
  await until(async () => (await figure('Keys').textContent()) === '200');
  const line = person.page.locator('.chart').first().locator('.line');
  const before = await line.getAttribute('d');
  await until(async () => (await line.getAttribute('d')).length > before.length);
  const label = await person.page.locator('.chart svg').first().getAttribute('aria-label');
  assert.match(label, /Throughput\. requests: now .*\/s, between .* and .* in the last \d+ seconds/);
  await person.page.locator('tr', { hasText: 'SET' }).first().waitFor();
  clearInterval(traffic);
  await person.leave();
});

test('the ring has the shards, and their number can be changed', async () => {
  const person = await open();
  await redis.mset(...Array.from({ length: 400 }, (_, i) => [`ring:${i}`, i]).flat());
  const shards = person.page.locator('.ring .shard');
  await until(async () => (await shards.count()) === 4);
  await until(async () => (await person.page.locator('.ring .load').count()) === 4);
  assert.match(await person.page.locator('.ring').getAttribute('aria-label'), /^4 shards with 400 keys/);
  assert.equal(await person.page.locator('.ring-list tbody tr').count(), 4);
  await person.page.getByRole('button', { name: 'Reshard' }).click();
  await person.dialog({ Shards: '6' }, 'Reshard');
  await until(async () => (await shards.count()) === 6);
  assert.equal((await redis.config('GET', 'shards'))[1], '6');
  await redis.config('SET', 'shards', '4');
  await person.leave();
});

test('a string is made, edited and deleted', async () => {
  const person = await open();
  await person.go('keys');
  await person.page.getByRole('button', { name: 'New key' }).click();
  await person.dialog({ Name: 'greeting', Type: 'string', Value: 'hello <b>&amp; "you"' }, 'Create');
  await until(async () => (await redis.get('greeting')) === 'hello <b>&amp; "you"');
  await redis.pexpire('greeting', 1000000);
  await key(person, 'greeting');
  const value = person.page.locator('.string textarea');
  await until(async () => (await value.inputValue()) === 'hello <b>&amp; "you"');
  await value.fill('two\nlines äöü 🦊');
  await person.page.getByRole('button', { name: 'Save' }).click();
  await said(person, 'saved');
  assert.equal(await redis.get('greeting'), 'two\nlines äöü 🦊');
  assert.ok((await redis.pttl('greeting')) > 0);
  await person.page.getByRole('button', { name: 'Delete' }).click();
  await person.page.locator('dialog[open]').getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await redis.exists('greeting'), 1);
  await person.page.getByRole('button', { name: 'Delete' }).click();
  await person.dialog({}, 'Delete');
  assert.equal(await redis.exists('greeting'), 0);
  assert.equal(await person.page.locator('.keys button').count(), 0);
  await person.leave();
});

// Makes a collection, adds to it, edits and deletes an element, and deletes what is left: `check` sees the server's side.
async function collection(type, { made, added, editing, edited, gone }) {
  const person = await open();
  await person.go('keys');
  await person.page.getByRole('button', { name: 'New key' }).click();
  await person.dialog({ Name: `a ${type}`, Type: type, ...made.form }, 'Create');
  await until(made.holds);
  await person.page.locator('.detail h2', { hasText: `a ${type}` }).waitFor();
  await person.page.locator('.detail').getByRole('button', { name: 'Add', exact: true }).click();
  await person.dialog(added.form, 'Save');
  await until(added.holds);
  if (editing) {
    await person.page.getByRole('button', { name: editing }).click();
    await person.dialog(edited.form, 'Save');
    await until(edited.holds);
  }
  await person.page.getByRole('button', { name: gone.name }).click();
  await person.dialog({}, 'Delete');
  await until(gone.holds);
  await person.page.locator('.detail .card-head').first().getByRole('button', { name: 'Delete' }).click();
  await person.dialog({}, 'Delete');
  assert.equal(await redis.dbsize(), 0);
  await person.leave();
}

const is = (command, wanted) => async () => JSON.stringify(await command()) === JSON.stringify(wanted);

test('a list is made, edited and deleted', () => {
  const read = () => redis.lrange('a list', 0, -1);
  return collection('list', {
    made: { form: { Value: 'one' }, holds: is(read, ['one']) },
    added: { form: { Where: 'LPUSH', Element: 'zero' }, holds: is(read, ['zero', 'one']) },
    editing: 'Edit element 1',
    edited: { form: { Element: 'uno' }, holds: is(read, ['zero', 'uno']) },
    gone: { name: 'Delete element 0', holds: is(read, ['uno']) },
  });
});

test('a hash is made, edited and deleted', () => {
  const read = () => redis.hgetall('a hash');
  return collection('hash', {
    made: { form: { Field: 'f', Value: 'one' }, holds: is(read, { f: 'one' }) },
    added: { form: { Field: 'g', Value: 'two' }, holds: is(read, { f: 'one', g: 'two' }) },
    editing: 'Edit g',
    edited: { form: { Value: 'zwei' }, holds: is(read, { f: 'one', g: 'zwei' }) },
    gone: { name: 'Delete f', holds: is(read, { g: 'zwei' }) },
  });
});

test('a set is made, edited and deleted', () => {
  const read = async () => (await redis.smembers('a set')).sort();
  return collection('set', {
    made: { form: { Value: 'one' }, holds: is(read, ['one']) },
    added: { form: { Member: 'two' }, holds: is(read, ['one', 'two']) },
    gone: { name: 'Delete one', holds: is(read, ['two']) },
  });
});

test('a sorted set is made, edited and deleted', () => {
  const read = () => redis.zrange('a zset', 0, -1, 'WITHSCORES');
  return collection('zset', {
    made: { form: { Score: '1.5', Value: 'one' }, holds: is(read, ['one', '1.5']) },
    added: { form: { Score: '2', Member: 'two' }, holds: is(read, ['one', '1.5', 'two', '2']) },
    editing: 'Edit one',
    edited: { form: { Score: '-inf' }, holds: is(read, ['one', '-inf', 'two', '2']) },
    gone: { name: 'Delete two', holds: is(read, ['one', '-inf']) },
  });
});

test('names and values that are no text are shown escaped, and stay what they are', async () => {
  const person = await open();
  const name = Buffer.from('bin:\xff\x00', 'latin1');
  await redis.set(name, Buffer.from('\x89PNG\r\n\\\x00', 'latin1'));
  await redis.hset('bin:hash', Buffer.from('\xfe', 'latin1'), Buffer.from('\xfd"', 'latin1'));
  await key(person, 'bin:\\xff\\x00');
  const value = person.page.locator('.string textarea');
  await until(async () => (await value.inputValue()) === '\\x89PNG\\r\\n\\\\\\x00');
  await value.fill('\\x89JPG\\x00\\\\ä');
  await person.page.getByRole('button', { name: 'Save' }).click();
  await said(person, 'saved');
  assert.deepEqual(await redis.getBuffer(name), Buffer.from('\x89JPG\x00\\\xc3\xa4', 'latin1'));
  await key(person, 'bin:hash');
  await person.page.getByRole('button', { name: 'Edit \\xfe' }).click();
  await person.dialog({ Value: '\\xfc' }, 'Save');
  await until(async () => (await redis.hgetBuffer('bin:hash', Buffer.from('\xfe', 'latin1'))).equals(Buffer.from('\xfc', 'latin1')));
  await person.leave();
});

test('expiry is set and taken off, a key is renamed, in the database that was chosen', async () => {
  const person = await open();
  const other = new Redis({ ...server.address, db: 3 });
  await other.set('here', 'v');
  await person.page.getByLabel('Database').selectOption('3');
  await key(person, 'here');
  await person.page.getByRole('button', { name: 'Expire' }).click();
  await person.dialog({ Seconds: '500' }, 'Set');
  await until(async () => (await other.ttl('here')) > 400);
  await person.page.locator('.marks', { hasText: 'expires in 8m' }).waitFor();
  await person.page.getByRole('button', { name: 'Expire' }).click();
  await person.dialog({ Seconds: '' }, 'Set');
  await until(async () => (await other.ttl('here')) === -1);
  await other.set('taken', 'v');
  await person.page.getByRole('button', { name: 'Rename' }).click();
  const dialog = person.page.locator('dialog[open]');
  await dialog.getByLabel('New name').fill('taken');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await dialog.locator('.problem', { hasText: 'There is a key of that name.' }).waitFor();
  await person.dialog({ 'New name': 'there' }, 'Rename');
  await until(async () => (await other.exists('there')) === 1);
  other.disconnect();
  await person.leave();
});

test('large keyspaces and values come a page at a time', async () => {
  const person = await open();
  await redis.mset(...Array.from({ length: 450 }, (_, i) => [`s:${i}`, i]).flat());
  await redis.rpush('large list', ...Array.from({ length: 250 }, (_, i) => `item ${i}`));
  await redis.hset('large hash', ...Array.from({ length: 3000 }, (_, i) => [`f${i}`, i]).flat());
  await person.go('keys');
  const keys = person.page.locator('.keys button');
  await until(async () => (await keys.count()) >= 100);
  assert.ok((await keys.count()) < 400);
  for (let pages = 1; await person.page.getByRole('button', { name: 'More' }).isVisible(); pages += 1) {
    assert.ok(pages < 10);
    const before = await keys.count();
    await person.page.getByRole('button', { name: 'More' }).click();
    await until(async () => (await keys.count()) > before || !(await person.page.getByRole('button', { name: 'More' }).isVisible()));
  }
  assert.equal(await keys.count(), 452);
  await person.page.getByLabel('Type').selectOption('hash');
  await until(async () => (await keys.count()) === 1);
  await person.page.getByLabel('Type').selectOption('');
  await key(person, 'large list');
  await person.page.getByRole('button', { name: 'Next page' }).click();
  await person.page.locator('.detail td', { hasText: 'item 100' }).waitFor();
  await person.page.getByRole('button', { name: 'First page' }).click();
  await person.page.locator('.detail td', { hasText: /^item 0$/ }).waitFor();
  await key(person, 'large hash');
  const rows = person.page.locator('.detail tbody tr');
  await until(async () => (await rows.count()) >= 100);
  assert.ok((await rows.count()) < 1000);
  await person.leave();
});

test('the command line shows replies as redis-cli does', async () => {
  const person = await open();
  await person.go('cli');
  const cli = (words) => execFileSync('redis-cli', ['-p', String(server.port), '--no-raw', ...words], { encoding: 'latin1' });
  const lines = [
    [['SET', 'a', 'hello "you" \\ ä'], 'SET a "hello \\"you\\" \\\\ ä"'],
    [['GET', 'a'], 'GET a'], [['GET', 'nosuch'], 'get nosuch'], [['INCR', 'n'], 'INCR n'],
    [['LPUSH', 'l', 'x', ''], "LPUSH l x ''"], [['LRANGE', 'l', '0', '-1'], 'LRANGE l 0 -1'],
    [['LRANGE', 'none', '0', '-1'], 'LRANGE none 0 -1'], [['INCR', 'a'], 'INCR a'], [['TYPE', 'l'], 'TYPE l'],
    [['COMMAND', 'INFO', 'get', 'nosuch'], 'COMMAND INFO get nosuch'], [['NOSUCH', 'x'], 'NOSUCH x'],
    [['PING'], '  PING  '],
  ];
  for (const [, line] of lines) {
    const before = await person.page.locator('.said').count();
    await person.page.getByLabel('Command for').fill(line);
    await person.page.keyboard.press('Enter');
    await until(async () => (await person.page.locator('.said').count()) === before + 1);
  }
  const shown = await person.page.locator('.said pre').allTextContents();
  await redis.flushall();
  for (const [i, [words]] of lines.entries()) {
    // redis-cli escapes what is no ASCII, too.
    const text = shown[i].replace('ä', '\\xc3\\xa4');
    assert.equal(text.trim(), cli(words).trim(), words.join(' '));
  }
  const run1 = async (line) => {
    await person.page.getByLabel('Command for').fill(line);
    await person.page.keyboard.press('Enter');
  };
  await run1('SET "b\\xff" "\\x00"');
  await until(async () => (await redis.getBuffer(Buffer.from('b\xff', 'latin1')))?.equals(Buffer.from([0])));
  await run1('SELECT 2');
  await run1('SET in2 v');
  await until(async () => (await redis.info('keyspace')).includes('db2:keys=1'));
  await run1('GET "open');
  await person.page.locator('pre.bad', { hasText: 'quote' }).waitFor();
  await person.leave();
});

test('the command line has a history, and completes what COMMAND DOCS knows', async () => {
  const person = await open();
  await person.go('cli');
  const input = person.page.getByLabel('Command for');
  await input.fill('zrange');
  await until(async () => (await person.page.locator('.matches button').count()) > 2);
  await input.fill('zrangeby');
  await input.press('Tab');
  assert.equal(await input.inputValue(), 'ZRANGEBYLEX ');
  await person.page.locator('.hint', { hasText: 'ZRANGEBYLEX key min max [LIMIT offset count]' }).waitFor();
  await input.press('Tab');
  assert.equal(await person.page.evaluate(() => document.activeElement.tagName), 'BUTTON'); // it is no trap
  await input.fill('client li');
  await input.press('Tab');
  assert.equal(await input.inputValue(), 'CLIENT LIST ');
  for (const line of ['PING one', 'PING two', 'CONFIG SET requirepass ""']) {
    await input.fill(line);
    await input.press('Enter');
  }
  await until(async () => (await person.page.locator('.said').count()) === 3);
  await input.press('ArrowUp');
  assert.equal(await input.inputValue(), 'PING two'); // no password is kept
  await input.press('ArrowUp');
  assert.equal(await input.inputValue(), 'PING one');
  await input.press('ArrowDown');
  await input.press('ArrowDown');
  assert.equal(await input.inputValue(), '');
  await person.leave();
});

test('clients are listed, sorted, and closed', async () => {
  const person = await open();
  const victim = new Redis({ ...server.address, connectionName: 'victim', retryStrategy: null });
  await victim.ping();
  await person.go('clients');
  const row = person.page.locator('tbody tr', { hasText: 'victim' });
  await row.waitFor();
  await person.page.getByLabel('Filter').fill('victim');
  await until(async () => (await person.page.locator('main > div:not([hidden]) tbody tr').count()) === 1);
  await person.page.locator('.sorter', { hasText: 'Age' }).click();
  await person.page.locator('th[aria-sort=ascending]', { hasText: 'Age' }).waitFor();
  const closed = new Promise((resolve) => victim.once('close', resolve));
  await row.getByRole('button').click();
  await person.dialog({}, 'Close it');
  await closed;
  await said(person, 'was closed');
  await person.leave();
});

test('the slow log is shown, its threshold set, and it is emptied', async () => {
  const person = await open();
  await redis.slowlog('RESET');
  await person.go('slowlog');
  await person.page.getByText('No command was slow.').waitFor();
  await person.page.getByRole('button', { name: 'Threshold' }).click();
  await person.dialog({ Microseconds: '0' }, 'Set');
  await redis.set('slow', Buffer.from('\xff<b>', 'latin1'));
  await person.page.locator('td.code', { hasText: 'slow \\xff<b>' }).waitFor();
  await redis.config('SET', 'slowlog-log-slower-than', '10000');
  await person.page.getByRole('button', { name: 'Empty' }).click();
  await person.dialog({}, 'Empty it');
  await until(async () => (await redis.slowlog('LEN')) === 0);
  await person.leave();
});

test('a page goes on when its server was away', async () => {
  const person = await open();
  person.allowed = [/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_SOCKET/];
  const state = person.page.locator('#state');
  await until(async () => (await state.textContent()) === 'live');
  await server.stop();
  await until(async () => (await state.textContent()) === 'no answer');
  await server.launch();
  await until(async () => (await state.textContent()) === 'live');
  await person.leave();
});

test('all of it works by keyboard alone', async () => {
  const person = await open();
  await redis.set('first', '1');
  await redis.set('second', '2');
  const { keyboard } = person.page;
  const focused = () => person.page.evaluate(() => document.activeElement.innerText || document.activeElement.id ||
    document.activeElement.getAttribute('aria-label') || document.activeElement.labels?.[0]?.innerText || '');
  const tabTo = async (text) => {
    for (let i = 0; i < 60; i += 1) {
      await keyboard.press('Tab');
      const now = await focused();
      if (typeof text === 'string' ? now.includes(text) : text.test(now)) {
        const outline = await person.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.notEqual(outline, 'none', `${text} shows no focus`);
        return;
      }
    }
    assert.fail(`Tab does not come to ${text}`);
  };
  await keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to content');
  await keyboard.press('Enter');
  assert.equal(await focused(), await person.page.locator('main').innerText());
  await person.page.reload();
  await tabTo('Keys');
  await keyboard.press('Enter');
  await person.page.locator('.keys button').nth(1).waitFor();
  assert.equal(await focused(), 'Keys');
  await tabTo('New key');
  await keyboard.press('Enter');
  await person.page.locator('dialog[open]').waitFor();
  await keyboard.type('third');
  await keyboard.press('Tab');
  await keyboard.press('Tab');
  await keyboard.type('3');
  await keyboard.press('Tab');
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await until(async () => (await redis.get('third')) === '3');
  await person.page.locator('.detail h2', { hasText: 'third' }).waitFor();
  await until(async () => (await person.page.locator('.keys button').count()) === 3);
  // From the search on: the list is one stop, the arrows go on in it.
  await person.page.getByLabel('Pattern').focus();
  await tabTo(/^string\s/);
  const before = await focused();
  await keyboard.press('ArrowDown');
  assert.notEqual(await focused(), before);
  const name = (await focused()).split('\n').at(-1).replace('string', '').trim();
  await keyboard.press('Enter');
  await until(async () => (await focused()) === name);
  await tabTo('Delete');
  await keyboard.press('Enter');
  await person.page.locator('dialog[open]').waitFor();
  assert.equal(await focused(), 'Cancel'); // Enter twice deletes nothing
  await keyboard.press('Escape');
  await person.page.locator('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(), 'Delete');
  await keyboard.press('Enter');
  await tabTo('Delete');
  await keyboard.press('Enter');
  await until(async () => (await redis.exists(name)) === 0);
  await until(async () => /^string\s/.test(await focused())); // the next key of the list
  await person.leave();
});

async function fill() {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 3000; i += 1) pipeline.set(`user:${i}:name`, ['Ada', 'Grace', 'Linus', 'Barbara'][i % 4] + i);
  for (let i = 0; i < 300; i += 1)
    pipeline.hset(`session:${i}`, { user: i, ip: `192.0.2.${i % 256}`, agent: 'Mozilla/5.0', csrf: 'c0ffee'.repeat(4) });
  for (let i = 0; i < 20; i += 1) pipeline.rpush(`queue:mail:${i}`, ...Array(150).fill('{"to":"ada@example.org","template":"welcome"}'));
  for (let i = 0; i < 20; i += 1) pipeline.zadd(`leaderboard:${i}`, ...Array.from({ length: 100 }, (_, j) => [j * i, `player:${j}`]).flat());
  pipeline.expire('session:1', 3600);
  await pipeline.exec();
}

// What a busy server's clients do, so that there is something to see.
function traffic() {
  const some = (n) => Math.floor(Math.random() * n);
  return setInterval(() => {
    const pipeline = redis.pipeline();
    for (let i = some(60); i >= 0; i -= 1) {
      pipeline.get(`user:${some(3200)}:name`).set(`user:${some(3000)}:name`, `Ada${i}`).hgetall(`session:${some(300)}`);
      if (i % 3 === 0) pipeline.zadd(`leaderboard:${some(20)}`, i, `player:${some(100)}`).lrange(`queue:mail:${some(20)}`, 0, 49);
    }
    pipeline.exec();
  }, 40);
}

async function visit(person, each) {
  for (const view of VIEWS) {
    await person.go(view);
    if (view === 'keys') {
      await key(person, 'session:1');
      await person.page.locator('.detail tbody tr').first().waitFor();
    }
    if (view === 'cli') {
      for (const line of ['HGETALL session:1', 'INCR session:1']) {
        await person.page.getByLabel('Command for').fill(line);
        await person.page.keyboard.press('Enter');
        await sleep(100);
      }
      await person.page.getByLabel('Command for').fill('zra');
    }
    await person.page.locator('main > div:not([hidden])').locator('tbody tr, .said, .none').first().waitFor();
    await each(view);
  }
}

for (const [theme, options] of [
  ['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }]])
  test(`it is accessible, and fits: ${theme}`, async () => {
    const person = await open(options);
    await fill();
    const busy = traffic();
    mkdirSync(PICTURES, { recursive: true });
    await until(async () => (await person.page.locator('.chart .line').first().getAttribute('d')).split('L').length > 3);
    await visit(person, async (view) => {
      assert.deepEqual(await person.inaccessible(), [], view);
      const [wide, there] = await person.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= there, `${view} is ${wide} wide, the screen ${there}`);
      await person.page.screenshot({ path: join(PICTURES, `${theme}-${view}.png`), fullPage: view === 'overview' });
    });
    await person.go('keys');
    await person.page.getByRole('button', { name: 'New key' }).click();
    assert.deepEqual(await person.inaccessible(), [], 'dialog');
    await person.page.screenshot({ path: join(PICTURES, `${theme}-dialog.png`) });
    clearInterval(busy);
    await person.leave();
  });

test('the theme can be switched, and stays', async () => {
  const person = await open({ colorScheme: 'light' });
  const page = () => person.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await page();
  const button = person.page.locator('#theme');
  await button.click();
  assert.equal(await button.textContent(), 'Theme: light');
  await button.click();
  assert.equal(await button.textContent(), 'Theme: dark');
  assert.notEqual(await page(), light);
  await person.page.reload();
  await until(async () => (await page()) !== light);
  await button.click();
  assert.equal(await page(), light);
  await person.leave();
});

// Last, as the password stays: a server with one asks for it, and only this tab keeps it.
test('the password is asked for, and kept in the tab alone', async () => {
  await redis.config('SET', 'requirepass', 'fox&<ä');
  const person = await Person.at(browser, url);
  person.allowed = [/401/];
  const dialog = person.page.locator('dialog[open]');
  await dialog.waitFor();
  assert.deepEqual(await person.inaccessible(), []);
  await dialog.getByLabel('Password').fill('wrong');
  await dialog.getByRole('button', { name: 'Enter' }).click();
  await dialog.locator('.problem', { hasText: 'That is not the password.' }).waitFor();
  await person.dialog({ Password: 'fox&<ä' }, 'Enter');
  await until(async () => (await person.page.locator('#state').textContent()) === 'live');
  await person.page.reload();
  await until(async () => (await person.page.locator('#state').textContent()) === 'live');
  assert.equal(await person.page.evaluate(() => document.cookie + Object.values(localStorage).join()), 'auto');
  const other = await person.context.newPage();
  await other.goto(url);
  await other.locator('dialog[open]').waitFor();
  await other.close();
  await redis.config('SET', 'requirepass', '');
  await person.leave();
});

await run(server, async () => {
  redis.disconnect();
  await browser.close();
});
