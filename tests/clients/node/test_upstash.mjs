// HTTP as the clients of the Upstash protocol see it, unchanged: @upstash/redis and @vercel/kv.
import assert from 'node:assert/strict';

import { Redis } from '@upstash/redis';
import { createClient as createKv } from '@vercel/kv';

import { Server, freePort, run, test, until } from './harness.mjs';

const port = await freePort();
const token = 'sesame';
const server = await Server.start('--http-port', port, '--requirepass', token);
const url = `http://127.0.0.1:${port}`;

// It must tell where things go wrong, and not try again behind the test's back.
const settings = { url, token, retry: false, enableTelemetry: false };
const redis = new Redis(settings);
const plain = new Redis({ ...settings, responseEncoding: false });
const alone = new Redis({ ...settings, enableAutoPipelining: false });
const kv = createKv(settings);

for (const [name, client] of [['with base64', redis], ['without', plain], ['without pipelines', alone], ['@vercel/kv', kv]]) {
  test(`strings, ${name}`, async () => {
    await client.flushall();
    assert.equal(await client.ping(), 'PONG');
    assert.equal(await client.set('k', 'v'), 'OK');
    assert.equal(await client.get('k'), 'v');
    assert.equal(await client.get('none'), null);
    assert.equal(await client.set('k', 'w', { nx: true }), null);
    assert.equal(await client.set('k', 'ж😀"\n', { ex: 100, get: true }), 'v');
    assert.equal(await client.get('k'), 'ж😀"\n');
    assert.equal(await client.ttl('k'), 100);
    assert.equal(await client.incrby('n', 5), 5);
    assert.equal(await client.incrbyfloat('n', 0.5), 5.5);
    assert.deepEqual(await client.mget('k', 'none', 'n'), ['ж😀"\n', null, 5.5]);
    assert.equal(await client.type('k'), 'string');
    assert.equal(await client.del('k', 'n'), 2);
    assert.equal(await client.exists('k'), 0);
  });

  test(`objects, ${name}`, async () => {
    const value = { a: [1, null, { b: 'ü' }], c: true };
    await client.set('o', value);
    assert.deepEqual(await client.get('o'), value);
    await client.set('nothing', null);
    assert.equal(await client.get('nothing'), null);
    await client.set('flag', true);
    assert.equal(await client.get('flag'), true);
  });

  test(`collections, ${name}`, async () => {
    await client.flushall();
    await client.hset('h', { a: 1, b: 'OK' });
    assert.deepEqual(await client.hgetall('h'), { a: 1, b: 'OK' });
    assert.deepEqual(await client.hmget('h', 'a', 'z'), { a: 1, z: null });
    assert.equal(await client.rpush('l', 'OK', 'b', 'c'), 3);
    assert.deepEqual(await client.lrange('l', 0, -1), ['OK', 'b', 'c']);
    assert.equal(await client.sadd('s', 'x', 'y'), 2);
    assert.deepEqual((await client.smembers('s')).sort(), ['x', 'y']);
    assert.equal(await client.sismember('s', 'x'), 1);
    await client.zadd('z', { score: 1.5, member: 'm' }, { score: 2, member: 'n' });
    assert.deepEqual(await client.zrange('z', 0, -1, { withScores: true }), ['m', 1.5, 'n', 2]);
    assert.equal(await client.zscore('z', 'm'), 1.5);
    const [cursor, keys] = await client.scan(0, { count: 100 });
    assert.equal(cursor, '0');
    assert.deepEqual(keys.sort(), ['h', 'l', 's', 'z']);
  });
}

test('auto-pipelining: many at once are one request', async () => {
  const before = redis.pipelineCounter;
  const values = await Promise.all([...Array(50).keys()].map((i) => redis.set(`p${i}`, i).then(() => redis.get(`p${i}`))));
  assert.deepEqual(values, [...Array(50).keys()]);
  assert.ok(redis.pipelineCounter > before && redis.pipelineCounter - before <= 4, `${redis.pipelineCounter - before}`);
});

test('pipelines', async () => {
  const p = redis.pipeline();
  p.set('a', 1);
  p.incr('a');
  p.lpush('a', 'x');
  p.get('a');
  const results = await p.exec({ keepErrors: true });
  assert.deepEqual(results.map((r) => r.result), ['OK', 2, undefined, 2]);
  assert.match(results[2].error, /WRONGTYPE/);
  await assert.rejects(redis.pipeline().lpush('a', 'x').exec(), /WRONGTYPE/);
});

test('transactions', async () => {
  const tx = redis.multi();
  tx.set('t', 1);
  tx.incrby('t', 41);
  tx.get('t');
  assert.deepEqual(await tx.exec(), ['OK', 42, 42]);
  const bad = redis.multi();
  bad.set('t', 'changed');
  bad.chain ? bad.chain(['SET', 't']) : bad.eval('', [], []);
  await assert.rejects(bad.exec());
  assert.equal(await redis.get('t'), 42);
});

test('errors', async () => {
  await redis.set('string', 'x');
  await assert.rejects(alone.incr('string'), /ERR value is not an integer or out of range, command was: \["incr","string"\]/);
  await assert.rejects(alone.lpush('string', 1), /WRONGTYPE/);
  await assert.rejects(new Redis({ ...settings, token: 'wrong' }).get('k'), /WRONGPASS invalid or missing auth token/);
});

test('subscriptions', async () => {
  const messages = [];
  const subscription = redis.subscribe(['news']);
  subscription.on('message', (event) => messages.push(event));
  await until(async () => (await redis.publish('news', 'hello')) > 0);
  await until(() => messages.length > 0);
  assert.deepEqual(messages[0], { channel: 'news', message: 'hello' });
  const patterns = [];
  const pattern = redis.psubscribe(['n*']);
  pattern.on('pmessage', (event) => patterns.push(event));
  await until(async () => (await redis.publish('news', { a: 1 })) > 1);
  await until(() => patterns.length > 0);
  assert.deepEqual(patterns[0], { pattern: 'n*', channel: 'news', message: { a: 1 } });
  await subscription.unsubscribe();
  await pattern.unsubscribe();
});

test('it reads what it wrote', async () => {
  const writer = new Redis({ ...settings, readYourWrites: true });
  for (let i = 0; i < 20; i++) {
    await writer.set('own', i);
    assert.equal(await writer.get('own'), i);
  }
});

await run(server, () => {});
