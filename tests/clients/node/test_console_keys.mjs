// The console's key browser in Chromium: values of every type, any bytes, many keys.
import './release_only.mjs';
import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { key, open, redis, runAll, said, server, test } from './console.mjs';
import { until } from './harness.mjs';

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

// Makes a collection, adds to it, edits and deletes an element, and deletes what is left.
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
  await until(async () =>
    (await redis.hgetBuffer('bin:hash', Buffer.from('\xfe', 'latin1'))).equals(Buffer.from('\xfc', 'latin1')),
  );
  await person.leave();
});

test('expiry is set and taken off, a key is renamed, in the database that was chosen', async () => {
  const person = await open();
  const other = new Redis({ ...server.address, db: 3 });
  await other.set('here', 'v');
  await person.page.getByLabel('Database', { exact: true }).selectOption('3');
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
    await until(
      async () =>
        (await keys.count()) > before || !(await person.page.getByRole('button', { name: 'More' }).isVisible()),
    );
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

await runAll();
