// What pages of other origins can make a browser do to a server without a password: nothing. They are served from other
// names and ports of this machine, and one from the server's own port by a name that means this machine (DNS
// rebinding).
import './release_only.mjs';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { browser, httpPort, redis, runAll, test, url } from './console.mjs';
import { sleep } from './harness.mjs';

const page = '<!doctype html><title>attack</title><body><iframe name="sink"></iframe></body>';
const attacker = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/html');
  response.end(page);
}).listen(0, '127.0.0.1');
await once(attacker, 'listening');
attacker.unref();

// Commands that the server ran, but for the test's own.
const OWN = ['info', 'set', 'get', 'flushall', 'dbsize', 'client|setinfo', 'config|resetstat'];
async function commandsRun() {
  const stats = await redis.info('commandstats');
  return [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)]
    .filter(([, name]) => !OWN.includes(name))
    .map(([, name]) => name);
}

// Everything that a page can ask for without being asked first (CORS), and some that it cannot; runs in the page. Gives
// what the page could read.
async function attack(target) {
  const read = [];
  const json = JSON.stringify(['HSET', 'evil', 'by', 'body']);
  const many = JSON.stringify([
    ['HSET', 'evil', 'by', 'pipeline'],
    ['LRANGE', 'secret', '0', '-1'],
  ]);
  const execute = JSON.stringify({ commands: [{ cmd_type: 'set', key: 'evil', value: 'execute' }] });
  const paths = [
    'hset/evil/by/path',
    'lrange/secret/0/-1',
    'flushdb',
    'config/get/*',
    'rpush/secret/more',
    'db/evil',
    'db/text',
    'monitor',
    'subscribe/c',
    'client/list',
    'scan/0',
  ];
  const bodies = [
    ['', json],
    ['pipeline', many],
    ['multi-exec', many],
    ['v1/execute', execute],
    ['db/evil', 'body'],
    ['hset/evil/by', 'rest'],
  ];
  const tries = [];
  const ask = (path, options) => {
    const stop = AbortSignal.timeout(4000); // streams have no end
    tries.push(
      fetch(target + path, { signal: stop, credentials: 'include', ...options })
        .then((response) => (response.type === 'opaque' ? '' : response.text()))
        .then(
          (text) => {
            if (text) read.push(`${path}: ${text}`);
          },
          () => {},
        ),
    );
  };
  for (const path of paths) {
    ask(path, { mode: 'no-cors' });
    ask(path, { mode: 'cors' });
    ask(path, { mode: 'no-cors', method: 'POST' });
    ask(path, { mode: 'no-cors', method: 'HEAD' });
  }
  for (const [path, body] of bodies) {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'text/plain; application/json',
    ])
      ask(path, { mode: 'no-cors', method: 'POST', body, headers: { 'Content-Type': type } });
    // These ask first, and are told no.
    ask(path, { mode: 'cors', method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    ask(path, { mode: 'cors', method: 'PUT', body });
    ask(path, { mode: 'cors', method: 'DELETE' });
    ask(path, { mode: 'cors', method: 'POST', body, headers: { Authorization: 'Bearer x', 'X-Corsac': '1' } });
    navigator.sendBeacon(target + path, body);
    navigator.sendBeacon(target + path, new Blob([body], { type: 'text/plain' }));
  }
  const load = (tag, attribute, path) =>
    new Promise((resolve) => {
      const element = document.createElement(tag);
      if (tag === 'link') element.rel = 'stylesheet';
      element[attribute] = target + path;
      element.onload = resolve;
      element.onerror = resolve;
      setTimeout(resolve, 4000);
      document.body.append(element);
    });
  for (const path of paths.filter((each) => !/monitor|subscribe/.test(each)))
    tries.push(
      load('img', 'src', path),
      load('script', 'src', path),
      load('link', 'href', path),
      load('iframe', 'src', path),
    );
  for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
    for (const [path, body] of bodies) {
      const form = document.createElement('form');
      Object.assign(form, { action: target + path, method: 'post', enctype, target: 'sink' });
      const input = document.createElement('input');
      // As text/plain it is NAME=VALUE, which is made to be JSON.
      Object.assign(input, { name: body.replace(/.$/, ',"'), value: `"]` });
      form.append(input);
      document.body.append(form);
      form.submit();
      await new Promise((resolve) => {
        setTimeout(resolve, 60);
      });
    }
  for (const path of ['monitor', 'subscribe/c', 'events?channel=c']) {
    const events = new EventSource(target + path);
    events.onmessage = ({ data }) => read.push(`${path}: ${data}`);
    setTimeout(() => events.close(), 1500);
  }
  await Promise.allSettled(tries);
  return read;
}

async function prepare() {
  await redis.flushall();
  await redis.set('text', 'secret text');
  await redis.rpush('secret', 'a', 'b');
  await redis.config('RESETSTAT');
}

for (const name of ['127.0.0.1', 'localhost'])
  test(`a page at ${name}, on another port, changes nothing and reads nothing`, async () => {
    await prepare();
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(`http://${name}:${attacker.address().port}/`);
    const read = await tab.evaluate(attack, url);
    assert.deepEqual(read, []);
    // A link, which opens a page of the server's in its tab, is a request like any other.
    for (const path of ['hset/evil/by/link', 'flushdb', 'lrange/secret/0/-1']) {
      const link = await context.newPage();
      await link.goto(`http://${name}:${attacker.address().port}/`);
      await link.evaluate((target) => {
        setTimeout(() => {
          location.href = target;
        });
      }, url + path);
      // Until it is loaded: to close it earlier can take for ever.
      await link.waitForURL(url + path);
    }
    await context.close();
    assert.deepEqual(await commandsRun(), []);
    assert.deepEqual([await redis.dbsize(), await redis.get('text')], [2, 'secret text']);
  });

test('a page that has this machine by a name of its own changes nothing and reads nothing', async () => {
  await prepare();
  const context = await browser.newContext();
  const tab = await context.newPage();
  const own = `http://rebound.test:${httpPort}/`;
  // What the name meant before: the attacker's page, with the origin that the server's port then has.
  await tab.route(own, (route) => route.fulfill({ contentType: 'text/html', body: page }));
  await tab.goto(own);
  const read = await tab.evaluate(attack, own);
  // It may read that it was refused, and nothing else.
  assert.deepEqual(
    read.filter((text) => !/^[^:]*: \{"error":"/.test(text) && !text.includes('<title>attack')),
    [],
  );
  await context.close();
  assert.deepEqual(await commandsRun(), []);
  assert.deepEqual([await redis.dbsize(), await redis.get('text')], [2, 'secret text']);
});

test('the same requests do get through from the console itself', async () => {
  await prepare();
  const context = await browser.newContext();
  const tab = await context.newPage();
  await tab.goto(url);
  const read = await tab.evaluate(attack, url);
  assert.ok(read.some((text) => text.startsWith('lrange/secret/0/-1: {"result"')));
  await context.close();
  const names = await commandsRun();
  assert.ok(
    ['hset', 'flushdb', 'lrange'].every((name) => names.includes(name)),
    names,
  );
});

test('the console is shown in no frame of another page, and its files to no other', async () => {
  const context = await browser.newContext();
  const tab = await context.newPage();
  await tab.goto(`http://localhost:${attacker.address().port}/`);
  await tab.evaluate((target) => {
    const frame = document.createElement('iframe');
    frame.src = target;
    document.body.append(frame);
  }, url);
  await sleep(500);
  const frame = tab.frames().at(-1);
  assert.equal(
    await frame
      .locator('#views')
      .count()
      .catch(() => 0),
    0,
  );
  const imported = await tab.evaluate(
    (target) =>
      import(target).then(
        () => 'read',
        () => 'refused',
      ),
    `${url}console/format.js`,
  );
  assert.equal(imported, 'refused');
  await context.close();
});

await runAll();
