// The server as ioredis sees it, with the settings that it has when one sets none (so with its ready check).
import assert from 'node:assert/strict';
import { once } from 'node:events';

import Redis from 'ioredis';

import { Server, run, test, until } from './harness.mjs';

const server = await Server.start();
const clients = [];

function connect(options = {}) {
  const client = new Redis({ ...server.address, ...options });
  client.on('error', () => {}); // told of a lost connection, which one test provokes
  clients.push(client);
  return client;
}

const redis = connect();

test('it becomes ready', async () => {
  if (redis.status !== 'ready') await once(redis, 'ready');
  assert.equal(redis.status, 'ready');
  assert.equal(await redis.ping(), 'PONG');
});

test('strings', async () => {
  assert.equal(await redis.set('k', 'v'), 'OK');
  assert.equal(await redis.get('k'), 'v');
  assert.equal(await redis.get('nothing'), null);
  assert.equal(await redis.set('k', 'w', 'EX', 100, 'NX'), null);
  assert.equal(await redis.set('k', 'w', 'EX', 100, 'GET'), 'v');
  assert.equal(await redis.incr('n'), 1);
  assert.equal(await redis.incrby('n', '9007199254740993'), 9007199254740994);
  assert.equal(await redis.incrbyfloat('f', 1.5), '1.5');
  assert.equal(await redis.mset({ a: 1, b: 'ü' }), 'OK');
  assert.deepEqual(await redis.mget('a', 'b', 'nothing'), ['1', 'ü', null]);
  await redis.set('bytes', Buffer.from([0, 255, 13, 10]));
  assert.deepEqual(await redis.getBuffer('bytes'), Buffer.from([0, 255, 13, 10]));
});

test('errors', async () => {
  await assert.rejects(redis.incr('k'), /^ReplyError: ERR value is not an integer or out of range/);
  await assert.rejects(redis.call('NOSUCH'), /unknown command/);
});

test('pipelines', async () => {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 1000; i++) pipeline.set(`p:${i}`, i).get(`p:${i}`);
  const replies = await pipeline.exec();
  assert.equal(replies.length, 2000);
  assert.deepEqual(replies[1999], [null, '999']);
});

test('commands of one turn become a pipeline', async () => {
  const auto = connect({ enableAutoPipelining: true });
  const replies = await Promise.all(Array.from({ length: 500 }, (_, i) => auto.get(`p:${i}`)));
  assert.deepEqual(replies, Array.from({ length: 500 }, (_, i) => String(i)));
});

test('transactions', async () => {
  assert.deepEqual(await redis.multi().set('t', 1).incr('t').get('t').exec(), [
    [null, 'OK'],
    [null, 2],
    [null, '2'],
  ]);
  const failed = await redis.multi().set('t', 'x').incr('t').exec();
  assert.match(failed[1][0].message, /not an integer/);
  await assert.rejects(redis.multi().call('NOSUCH').exec(), /EXECABORT/);

  const other = connect();
  await other.watch('t');
  await redis.set('t', 'changed');
  assert.equal(await other.multi().get('t').exec(), null);
});

test('messages', async () => {
  const subscriber = connect();
  const got = [];
  subscriber.on('message', (channel, message) => got.push([channel, message]));
  subscriber.on('pmessage', (pattern, channel, message) => got.push([pattern, channel, message]));
  assert.equal(await subscriber.subscribe('one', 'two'), 2);
  assert.equal(await subscriber.psubscribe('t*'), 3);
  assert.equal(await redis.publish('two', 'x'), 2);
  await until(() => got.length === 2);
  assert.deepEqual(got, [['two', 'x'], ['t*', 'two', 'x']]);
  await assert.rejects(subscriber.get('k'), /subscriber mode/);
  await subscriber.unsubscribe('one', 'two');
  await subscriber.punsubscribe('t*');
  assert.equal(await redis.publish('two', 'x'), 0);
  assert.equal(await subscriber.get('k'), await redis.get('k'));
});

test('messages of shard channels', async () => {
  const subscriber = connect();
  const message = once(subscriber, 'smessage');
  assert.equal(await subscriber.ssubscribe('one'), 1);
  assert.equal(await redis.spublish('one', 'y'), 1);
  assert.deepEqual(await message, ['one', 'y']);
});

test('scan streams', async () => {
  const found = new Set();
  for await (const keys of redis.scanStream({ match: 'p:*', count: 50 })) keys.forEach((key) => found.add(key));
  assert.equal(found.size, 1000);
});

test('MONITOR', async () => {
  const monitor = await connect().monitor();
  monitor.on('error', () => {});
  clients.push(monitor);
  const seen = once(monitor, 'monitor');
  await redis.set('seen', 'yes');
  assert.deepEqual((await seen)[1].map((word) => word.toLowerCase()), ['set', 'seen', 'yes']);
});

test('the connection says who it is', async () => {
  const named = connect({ connectionName: 'worker', db: 3 });
  assert.equal(await named.client('GETNAME'), 'worker');
  assert.match(await named.client('INFO'), / db=3 /);
});

test('a password', async () => {
  await redis.config('SET', 'requirepass', 'secret');
  try {
    assert.equal(await connect({ password: 'secret' }).ping(), 'PONG');
    assert.equal(await connect({ username: 'default', password: 'secret' }).ping(), 'PONG');
    await assert.rejects(connect({ lazyConnect: true, retryStrategy: null }).ping(), /NOAUTH/);
  } finally {
    await redis.config('SET', 'requirepass', '');
  }
});

test('scripts', async () => {
  if ((await redis.command('INFO', 'eval'))[0] === null) return 'there is no EVAL yet';
  redis.defineCommand('echoed', { numberOfKeys: 0, lua: 'return ARGV[1]' });
  assert.equal(await redis.echoed('x'), 'x');
  return undefined;
});

test('it connects again, and subscribes again, when the server comes back', async () => {
  const subscriber = connect();
  const got = [];
  subscriber.on('message', (_, message) => got.push(message));
  await subscriber.subscribe('news');
  assert.equal(await server.stop(), 0);
  await server.launch();
  assert.equal(await redis.set('after', '1'), 'OK');
  await until(async () => (await redis.publish('news', 'again')) === 1);
  await until(() => got.length > 0);
});

await run(server, () => clients.forEach((client) => client.disconnect()));
