// The server as node-redis sees it, with the settings that it has when one sets none, and in RESP3.
import assert from 'node:assert/strict';

import { createClient, createClientPool } from 'redis';

import { Server, run, test, until } from './harness.mjs';

const server = await Server.start();
const clients = [];

async function connect(options = {}) {
  const client = createClient({ socket: server.address, ...options });
  return keep(client).connect();
}

// Ended with the test program, whatever became of it.
function keep(client) {
  client.on('error', () => {}); // told of a lost connection, which one test provokes
  clients.push(client);
  return client;
}

const redis = await connect();
const resp3 = await connect({ RESP: 3 });

test('it becomes ready', async () => {
  assert.ok(redis.isReady && resp3.isReady);
  assert.equal(await redis.ping(), 'PONG');
  assert.match(await redis.sendCommand(['CLIENT', 'INFO']), / lib-name=node-redis.* lib-ver=\d/);
});

for (const [name, client] of [['RESP2', redis], ['RESP3', resp3]]) {
  test(`strings in ${name}`, async () => {
    await client.flushAll();
    assert.equal(await client.set('k', 'v'), 'OK');
    assert.equal(await client.get('k'), 'v');
    assert.equal(await client.get('nothing'), null);
    assert.equal(await client.set('k', 'w', { NX: true }), null);
    assert.equal(await client.set('k', 'w', { EX: 100, GET: true }), 'v');
    assert.equal(await client.ttl('k'), 100);
    assert.equal(await client.incr('n'), 1);
    assert.equal(await client.incrByFloat('f', 1.5), '1.5');
    assert.equal(await client.mSet({ a: '1', b: 'ü' }), 'OK');
    assert.deepEqual(await client.mGet(['a', 'b', 'nothing']), ['1', 'ü', null]);
    assert.equal(await client.lcs('a', 'b'), '');
    await assert.rejects(client.incr('k'), /ERR value is not an integer or out of range/);
  });

  test(`transactions in ${name}`, async () => {
    assert.deepEqual(await client.multi().set('t', '1').incr('t').get('t').get('nothing').exec(), ['OK', 2, '2', null]);
    await assert.rejects(client.multi().set('t', 'x').incr('t').exec(), /1 commands failed/);
    await assert.rejects(client.multi().addCommand(['NOSUCH']).exec(), /unknown command|EXECABORT/);
  });

  test(`messages in ${name}`, async () => {
    const subscriber = await keep(client.duplicate()).connect();
    const got = [];
    const note = (message, channel) => got.push([channel, message]);
    await subscriber.subscribe('two', note);
    await subscriber.pSubscribe('t*', note);
    assert.equal(await client.publish('two', 'x'), 2);
    await until(() => got.length === 2);
    assert.deepEqual(got, [['two', 'x'], ['two', 'x']]);
    await subscriber.unsubscribe('two');
    await subscriber.pUnsubscribe('t*');
    assert.equal(await client.publish('two', 'x'), 0);
    assert.equal(await subscriber.get('nothing'), null);
  });

  test(`messages of shard channels in ${name}`, async () => {
    const subscriber = await keep(client.duplicate()).connect();
    const got = [];
    await subscriber.sSubscribe('one', (message, channel) => got.push([channel, message]));
    assert.equal(await client.sPublish('one', 'y'), 1);
    await until(() => got.length === 1);
    assert.deepEqual(got, [['one', 'y']]);
    subscriber.destroy();
    await until(async () => (await client.sPublish('one', 'y')) === 0);
  });

  test(`what the server tells in ${name}`, async () => {
    assert.match(await client.info(), /redis_version:/);
    assert.equal({ ...(await client.configGet('hz')) }.hz, '10');
    assert.ok((await client.commandCount()) > 50);
    assert.equal((await client.role()).role, 'master');
    assert.ok((await client.memoryUsage('k')) > 0);
    assert.equal((await client.clientInfo()).db, 0);
  });
}

test('commands of one turn become a pipeline', async () => {
  await Promise.all(Array.from({ length: 1000 }, (_, i) => redis.set(`p:${i}`, String(i))));
  const replies = await Promise.all(Array.from({ length: 1000 }, (_, i) => redis.get(`p:${i}`)));
  assert.deepEqual(replies, Array.from({ length: 1000 }, (_, i) => String(i)));
});

test('scan iterators', async () => {
  const found = new Set();
  for await (const keys of redis.scanIterator({ MATCH: 'p:*', COUNT: 50 })) keys.forEach((key) => found.add(key));
  assert.equal(found.size, 1000);
});

test('WATCH', async () => {
  const watcher = await connect();
  await watcher.watch('t');
  await redis.set('t', 'changed');
  await assert.rejects(watcher.multi().get('t').exec(), /watched keys has been changed/);
  await watcher.watch('t');
  assert.deepEqual(await watcher.multi().get('t').exec(), ['changed']);
});

test('a pool', async () => {
  const pool = createClientPool({ socket: server.address }, { minimum: 1, maximum: 5 });
  await pool.connect();
  await Promise.all(Array.from({ length: 100 }, () => pool.incr('pooled')));
  assert.equal(await pool.get('pooled'), '100');
  await pool.close();
});

test('a name, a database and a password', async () => {
  await redis.configSet('requirepass', 'secret');
  try {
    const named = await connect({ name: 'worker', database: 3, password: 'secret' });
    assert.equal(await named.clientGetName(), 'worker');
    assert.equal((await named.clientInfo()).db, 3);
    const url = keep(createClient({ url: `redis://default:secret@127.0.0.1:${server.port}/3`, RESP: 3 }));
    assert.equal(await (await url.connect()).ping(), 'PONG');
    await assert.rejects(connect({ password: 'wrong', socket: { ...server.address, reconnectStrategy: false } }),
      /WRONGPASS/);
  } finally {
    await redis.configSet('requirepass', '');
  }
});

test('scripts', async () => {
  if ((await redis.sendCommand(['COMMAND', 'INFO', 'eval']))[0] === null) return 'there is no EVAL yet';
  assert.equal(await redis.eval('return ARGV[1]', { arguments: ['x'] }), 'x');
  return undefined;
});

test('it connects again, and subscribes again, when the server comes back', async () => {
  const subscriber = await connect();
  const got = [];
  await subscriber.subscribe('news', (message) => got.push(message));
  assert.equal(await server.stop(), 0);
  await server.launch();
  assert.equal(await redis.set('after', '1'), 'OK');
  await until(async () => (await redis.publish('news', 'again')) === 1);
  await until(() => got.length > 0);
});

await run(server, () => clients.forEach((client) => client.isOpen && client.destroy()));
