// The console in Chromium: what a person sees and does there, but for the key browser.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Redis } from 'ioredis';
import { Person } from './browser.mjs';
import { browser, open, redis, runAll, said, server, test, url } from './console.mjs';
import { sleep, until } from './harness.mjs';

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

test('the command line shows replies as redis-cli does', async () => {
  const person = await open();
  await person.go('cli');
  const cli = (words) =>
    execFileSync('redis-cli', ['-p', String(server.port), '--no-raw', ...words], { encoding: 'latin1' });
  const lines = [
    [['SET', 'a', 'hello "you" \\ ä'], 'SET a "hello \\"you\\" \\\\ ä"'],
    [['GET', 'a'], 'GET a'],
    [['GET', 'nosuch'], 'get nosuch'],
    [['INCR', 'n'], 'INCR n'],
    [['LPUSH', 'l', 'x', ''], "LPUSH l x ''"],
    [['LRANGE', 'l', '0', '-1'], 'LRANGE l 0 -1'],
    [['LRANGE', 'none', '0', '-1'], 'LRANGE none 0 -1'],
    [['INCR', 'a'], 'INCR a'],
    [['TYPE', 'l'], 'TYPE l'],
    [['COMMAND', 'INFO', 'get', 'nosuch'], 'COMMAND INFO get nosuch'],
    [['NOSUCH', 'x'], 'NOSUCH x'],
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

// Last, as the password stays: a server with one asks for it, and only this tab keeps it.
test('the password is asked for, and kept in the tab alone', async () => {
  await redis.config('SET', 'requirepass', 'fox&<ä');
  const person = await Person.at(browser, url);
  person.allowed = [/401/];
  const dialog = person.page.locator('dialog[open]');
  await dialog.waitFor();
  assert.deepEqual(await person.inaccessible(), []);
  await person.page.keyboard.press('Escape');
  await said(person, 'load the page again');
  assert.equal(await person.page.locator('#state').textContent(), 'locked');
  const failures = async () => /acl_access_denied_auth:(\d+)/.exec(await redis.info('stats'))[1];
  const before = await failures();
  await sleep(1500); // longer than the page waits between questions
  assert.equal(await failures(), before);
  await person.page.reload();
  await dialog.waitFor();
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

await runAll();
