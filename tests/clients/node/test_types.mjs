// Lists, hashes, sets and sorted sets as programs use them: through node-redis in RESP2 and RESP3, and through ioredis.
import assert from 'node:assert/strict';

import Redis from 'ioredis';
import { createClient } from 'redis';

import { Server, run, sleep, test } from './harness.mjs';

const server = await Server.start();
const closers = [];

async function nodeRedis(options = {}) {
  const client = createClient({ socket: server.address, ...options });
  client.on('error', () => {}); // told of a lost connection when the server ends
  closers.push(() => client.destroy());
  return client.connect();
}

function ioRedis() {
  const client = new Redis(server.address);
  client.on('error', () => {});
  closers.push(() => client.disconnect());
  return client;
}

for (const RESP of [2, 3]) {
  const redis = await nodeRedis({ RESP });
  const other = await nodeRedis({ RESP });

  test(`lists in RESP${RESP}`, async () => {
    await redis.flushAll();
    assert.equal(await redis.rPush('l', ['a', 'b', 'c']), 3);
    assert.equal(await redis.lPush('l', 'z'), 4);
    assert.deepEqual(await redis.lRange('l', 0, -1), ['z', 'a', 'b', 'c']);
    assert.equal(await redis.lIndex('l', -1), 'c');
    assert.equal(await redis.lSet('l', 0, 'y'), 'OK');
    assert.equal(await redis.lInsert('l', 'BEFORE', 'b', 'x'), 5);
    assert.equal(await redis.lPos('l', 'b'), 3);
    assert.deepEqual(await redis.lPopCount('l', 2), ['y', 'a']);
    assert.equal(await redis.rPop('l'), 'c');
    assert.equal(await redis.lMove('l', 'm', 'LEFT', 'RIGHT'), 'x');
    assert.deepEqual(await redis.lmPop(['nothing', 'm'], 'LEFT'), ['m', ['x']]);
    assert.equal(await redis.lLen('m'), 0);
    assert.equal(await redis.rPop('m'), null);
    assert.equal(await redis.lTrim('l', 1, -1), 'OK');
    assert.equal(await redis.exists('l'), 0);
  });

  test(`a queue with clients that wait, in RESP${RESP}`, async () => {
    await redis.flushAll();
    const waits = other.blPop(['queue', 'second'], 5);
    await sleep(50);
    assert.equal(await redis.rPush('second', 'job'), 1);
    assert.deepEqual(await waits, { key: 'second', element: 'job' });
    assert.equal(await redis.exists('second'), 0);
    assert.equal(await other.blPop('queue', 0.05), null);
    const moves = other.blMove('queue', 'working', 'LEFT', 'RIGHT', 5);
    await sleep(50);
    await redis.multi().rPush('queue', 'one').rPush('queue', 'two').exec();
    assert.equal(await moves, 'one');
    assert.deepEqual(await redis.lRange('working', 0, -1), ['one']);
    const pops = other.bzPopMin('scores', 5);
    await sleep(50);
    await redis.zAdd('scores', [{ score: 2, value: 'b' }, { score: 1.5, value: 'a' }]);
    assert.deepEqual(await pops, { key: 'scores', value: 'a', score: 1.5 });
  });

  test(`hashes in RESP${RESP}`, async () => {
    await redis.flushAll();
    assert.equal(await redis.hSet('user:1', { name: 'Ann', visits: 1, 'ü': 'ö' }), 3);
    assert.equal(await redis.hGet('user:1', 'name'), 'Ann');
    assert.equal(await redis.hGet('user:1', 'nothing'), null);
    assert.deepEqual({ ...await redis.hGetAll('user:1') }, { name: 'Ann', visits: '1', 'ü': 'ö' });
    assert.deepEqual(await redis.hmGet('user:1', ['name', 'nothing']), ['Ann', null]);
    assert.equal(await redis.hIncrBy('user:1', 'visits', 41), 42);
    assert.equal(await redis.hIncrByFloat('user:1', 'f', 0.5), '0.5');
    assert.equal(await redis.hExists('user:1', 'f'), 1);
    assert.deepEqual((await redis.hKeys('user:1')).sort(), ['f', 'name', 'visits', 'ü']);
    assert.equal(await redis.hDel('user:1', ['f', 'ü']), 2);
    assert.equal(await redis.hLen('user:1'), 2);
    assert.deepEqual(await redis.hExpire('user:1', ['name', 'nothing'], 100), [1, -2]);
    assert.deepEqual(await redis.hTTL('user:1', ['name', 'visits']), [100, -1]);
    const big = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, `v${i}`]));
    assert.equal(await redis.hSet('big', big), 1000);
    assert.deepEqual({ ...await redis.hGetAll('big') }, big);
    const seen = {};
    for await (const entries of redis.hScanIterator('big', { COUNT: 50 }))
      for (const { field, value } of entries) seen[field] = value;
    assert.deepEqual(seen, big);
  });

  test(`sets in RESP${RESP}`, async () => {
    await redis.flushAll();
    assert.equal(await redis.sAdd('s', ['a', 'b', 'c', 'a']), 3);
    assert.deepEqual((await redis.sMembers('s')).sort(), ['a', 'b', 'c']);
    assert.equal(await redis.sIsMember('s', 'a'), 1);
    assert.deepEqual(await redis.smIsMember('s', ['a', 'z']), [1, 0]);
    await redis.sAdd('t', ['b', 'c', 'd']);
    assert.deepEqual((await redis.sInter(['s', 't'])).sort(), ['b', 'c']);
    assert.deepEqual(await redis.sDiff(['s', 't']), ['a']);
    assert.equal(await redis.sUnionStore('u', ['s', 't']), 4);
    assert.equal(await redis.sInterCard(['s', 't']), 2);
    assert.equal(await redis.sMove('s', 't', 'a'), 1);
    assert.ok(['b', 'c'].includes(await redis.sRandMember('s')));
    assert.ok(['b', 'c'].includes(await redis.sPop('s')));
    assert.equal(await redis.sCard('s'), 1);
    const many = Array.from({ length: 1000 }, (_, i) => String(i * 7));
    await redis.sAdd('many', many);
    const seen = new Set();
    for await (const members of redis.sScanIterator('many')) members.forEach((m) => seen.add(m));
    assert.deepEqual(seen, new Set(many));
  });

  test(`sorted sets in RESP${RESP}`, async () => {
    await redis.flushAll();
    const board = [{ score: 10, value: 'ann' }, { score: 20.5, value: 'bob' }, { score: -1, value: 'cy' }];
    assert.equal(await redis.zAdd('z', board), 3);
    assert.equal(await redis.zScore('z', 'bob'), 20.5);
    assert.equal(await redis.zIncrBy('z', 5, 'ann'), 15);
    assert.deepEqual(await redis.zRange('z', 0, -1), ['cy', 'ann', 'bob']);
    assert.deepEqual(await redis.zRangeWithScores('z', 0, 1, { REV: true }), [
      { value: 'bob', score: 20.5 }, { value: 'ann', score: 15 }]);
    assert.deepEqual(await redis.zRangeByScore('z', '(0', '+inf'), ['ann', 'bob']);
    assert.equal(await redis.zRank('z', 'ann'), 1);
    assert.equal(await redis.zRevRank('z', 'nobody'), null);
    assert.deepEqual(await redis.zmScore('z', ['cy', 'nobody']), [-1, null]);
    assert.equal(await redis.zCount('z', 0, 100), 2);
    assert.deepEqual(await redis.zPopMin('z'), { value: 'cy', score: -1 });
    assert.equal(await redis.zRemRangeByScore('z', '-inf', 15), 1);
    await redis.zAdd('y', [{ score: 1, value: 'bob' }]);
    assert.deepEqual(await redis.zUnionWithScores(['z', 'y']), [{ value: 'bob', score: 21.5 }]);
    assert.equal(await redis.zInterStore('x', ['z', 'y']), 1);
    assert.equal(await redis.zCard('x'), 1);
  });

  test(`sorting, and kinds of keys, in RESP${RESP}`, async () => {
    await redis.flushAll();
    await redis.rPush('ids', ['3', '1', '2']);
    await redis.mSet({ w_1: '30', w_2: '10', w_3: '20' });
    assert.deepEqual(await redis.sort('ids'), ['1', '2', '3']);
    assert.deepEqual(await redis.sort('ids', { BY: 'w_*', DIRECTION: 'DESC' }), ['1', '3', '2']);
    await redis.hSet('h', 'f', 'v');
    await redis.zAdd('z', { score: 1, value: 'm' });
    await redis.sAdd('s', '1');
    const types = await Promise.all(['ids', 'h', 'z', 's', 'w_1', 'none'].map((key) => redis.type(key)));
    assert.deepEqual(types, ['list', 'hash', 'zset', 'set', 'string', 'none']);
    assert.equal(await redis.objectEncoding('s'), 'intset');
    await assert.rejects(redis.lPush('h', 'x'), /WRONGTYPE/);
    const copied = await redis.copy('z', 'z2');
    assert.ok(copied === 1 || copied === true);
    assert.deepEqual(await redis.zRange('z2', 0, -1), ['m']);
  });
}

test('ioredis', async () => {
  const redis = ioRedis(), waiting = ioRedis();
  await redis.flushall();
  const pops = waiting.brpop('queue', 5);
  await sleep(50);
  await redis.lpush('queue', 'a', 'b');
  assert.deepEqual(await pops, ['queue', 'a']);
  assert.deepEqual(await redis.lrange('queue', 0, -1), ['b']);
  await redis.hset('h', { a: 1, b: 'two' });
  assert.deepEqual(await redis.hgetall('h'), { a: '1', b: 'two' });
  await redis.sadd('s', 'x', 'y');
  assert.equal(await redis.scard('s'), 2);
  await redis.zadd('z', 1, 'one', 2.5, 'two');
  assert.deepEqual(await redis.zrange('z', 0, -1, 'WITHSCORES'), ['one', '1', 'two', '2.5']);
  assert.deepEqual(await redis.zrangebyscore('z', '-inf', '(2.5', 'LIMIT', 0, 10), ['one']);
  const replies = await redis.multi().rpush('l', 1, 2, 3).lpop('l').hincrby('h', 'a', 1).zpopmax('z').exec();
  assert.deepEqual(replies, [[null, 3], [null, '1'], [null, 2], [null, ['two', '2.5']]]);
  const found = [];
  for await (const [, field] of redis.hscanStream('h')) found.push(field);
  assert.equal(found.length, 1);
});

await run(server, () => closers.forEach((close) => close()));
