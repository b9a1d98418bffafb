// /openapi.json: valid by the specification, and true: every operation that it names is called, by its own examples.
import assert from 'node:assert/strict';

import { Validator } from '@seriousme/openapi-schema-validator';

import { Server, freePort, run, test } from './harness.mjs';

const METHODS = ['get', 'post', 'put', 'delete'];
const password = 'sesame';
const port = await freePort();
const server = await Server.start('--http-port', port, '--requirepass', password);
const url = `http://127.0.0.1:${port}`;
const authorization = { Authorization: `Bearer ${password}` };
const description = await (await fetch(`${url}/openapi.json`)).json();

// { path, method, operation } of all.
const operations = Object.entries(description.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })));

// Its address by the examples: parameters of the path have one each.
function address({ path, operation }) {
  const query = new URLSearchParams();
  let filled = path;
  for (const parameter of operation.parameters) {
    if (parameter.in === 'path') assert.ok(parameter.example, `${path} has no example of ${parameter.name}`);
    if (parameter.in === 'path') filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(parameter.example));
    else if (parameter.example !== undefined) query.set(parameter.name, parameter.example);
  }
  return `${url}${filled}${query.size ? `?${query}` : ''}`;
}

function body(operation) {
  if (!operation.requestBody) return {};
  const [[type, { example }]] = Object.entries(operation.requestBody.content);
  assert.ok(example !== undefined, `${operation.operationId} has no example of a body`);
  return { type, body: typeof example === 'string' ? example : JSON.stringify(example) };
}

async function call(one, headers) {
  const { type, body: sent } = body(one.operation);
  const leave = new AbortController();
  const response = await fetch(address(one), {
    method: one.method.toUpperCase(),
    headers: { ...headers, ...(type ? { 'Content-Type': type } : {}) },
    body: sent,
    signal: leave.signal,
  });
  const kind = response.headers.get('content-type')?.split(';')[0];
  const text = kind === 'text/event-stream' ? '' : await response.text();
  leave.abort(); // events have no end
  return { status: response.status, kind, text };
}

test('it is valid', async () => {
  const result = await new Validator().validate(description);
  assert.ok(result.valid, JSON.stringify(result.errors, null, 1));
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test('it names what there is to be', async () => {
  for (const path of ['/', '/pipeline', '/multi-exec', '/db/{key}', '/v1/execute', '/subscribe/{channel}', '/healthz', '/readyz',
    '/metrics', '/openapi.json'])
    assert.ok(description.paths[path], path);
});

// Deleting goes last: others read what is deleted.
const order = [...operations].sort((a, b) => METHODS.indexOf(a.method) - METHODS.indexOf(b.method))
  .sort((a, b) => (b.method === 'put') - (a.method === 'put'));
for (const one of order)
  test(`${one.method} ${one.path} does as it says`, async () => {
    const { status, kind, text } = await call(one, authorization);
    assert.ok(status >= 200 && status < 300, `${status} ${text}`);
    const { content } = one.operation.responses['2XX'];
    if (content && status !== 204) assert.ok(content[kind], `${kind} is none of ${Object.keys(content)}`);
    if (kind === 'application/json') JSON.parse(text);
  });

for (const one of order)
  test(`${one.method} ${one.path} asks for the token, or says that it is open`, async () => {
    const { status, kind, text } = await call(one, {});
    if (one.operation.security) assert.ok(status >= 200 && status < 300, `${status} ${text}`);
    else assert.equal(status, 401);
    if (status === 401) assert.match(JSON.parse(text).error, /^WRONGPASS/, kind);
  });

test('methods that it does not name are refused', async () => {
  for (const { path, method, operation } of operations) {
    if (path === '/' || path === '/monitor') continue; // any path of commands has them
    for (const other of METHODS.filter((m) => !description.paths[path][m])) {
      const response = await fetch(address({ path, operation }), { method: other.toUpperCase(), headers: authorization });
      await response.arrayBuffer();
      assert.ok(response.status === 405 || response.status === 400, `${other} ${path}: ${response.status}, as ${method}`);
    }
  }
});

await run(server, () => {});
