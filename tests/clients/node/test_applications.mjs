// Libraries that applications put on top of a client: sessions of a web server, and limits of a rate.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';

import { RedisStore } from 'connect-redis';
import session from 'express-session';
import Redis from 'ioredis';
import limiters from 'rate-limiter-flexible';
import { createClient } from 'redis';

import { Server, run, test } from './harness.mjs';

const server = await Server.start();
const redis = await createClient({ socket: server.address }).on('error', () => {}).connect();
const io = new Redis(server.address);
io.on('error', () => {});

test('sessions of express-session in connect-redis', async () => {
  const store = new RedisStore({ client: redis, prefix: 'session:' });
  const sessions = session({ store, secret: 'secret', resave: false, saveUninitialized: false });
  const web = createServer((request, response) => sessions(request, response, () => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    response.end(String(request.session.visits));
  })).listen(0, '127.0.0.1');
  await once(web, 'listening');
  const visit = async (cookie) => {
    const request = get({ port: web.address().port, host: '127.0.0.1', agent: false, headers: cookie ? { cookie } : {} });
    const [response] = await once(request, 'response');
    let body = '';
    for await (const chunk of response) body += chunk;
    return { body, cookie: response.headers['set-cookie']?.[0].split(';')[0] };
  };
  const first = await visit();
  assert.equal(first.body, '1');
  assert.equal((await visit(first.cookie)).body, '2');
  assert.equal((await visit(first.cookie)).body, '3');
  assert.equal((await visit()).body, '1');
  web.close();

  assert.equal(await store.length(), 2);
  const all = await store.all();
  assert.deepEqual(all.map(({ visits }) => visits).sort(), [1, 3]);
  const [key] = await redis.keys('session:*');
  assert.ok((await redis.ttl(key)) > 80000);
  await store.destroy(key.slice('session:'.length));
  assert.equal(await store.length(), 1);
  await store.clear();
  assert.equal(await store.length(), 0);
});

// With a duration rate-limiter-flexible runs a script; limits that never end, blocks and what is set are commands.
test('limits of rate-limiter-flexible without scripts', async () => {
  const limiter = new limiters.RateLimiterRedis({ storeClient: io, points: 3, duration: 0 });
  for (const remaining of [2, 1, 0]) assert.equal((await limiter.consume('ann')).remainingPoints, remaining);
  const refused = await limiter.consume('ann').then(() => null, (reason) => reason);
  assert.equal(refused.remainingPoints, 0);
  assert.equal((await limiter.consume('bob')).remainingPoints, 2);
  assert.equal((await limiter.get('ann')).consumedPoints, 4);
  assert.equal((await limiter.reward('ann', 2)).consumedPoints, 2);
  assert.equal(await limiter.delete('ann'), true);
  assert.equal(await limiter.get('ann'), null);
  await limiter.block('eve', 100);
  const blocked = await limiter.consume('eve').then(() => null, (reason) => reason);
  assert.ok(blocked.msBeforeNext > 99000 && blocked.msBeforeNext <= 100000);
});

await run(server, () => {
  redis.destroy();
  io.disconnect();
});
