// What the Node.js tests share: a server of their own, and TAP.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

const PATIENCE_MS = 20000;
const tests = [];

// Adds a test. A returned text is the reason why it was skipped. `patience_ms`: how long it may take.
export function test(what, run, patience_ms = PATIENCE_MS) {
  tests.push({ what, run, patience_ms });
}

// Waits until `condition` (which may be async) holds.
export async function until(condition) {
  for (const end = Date.now() + PATIENCE_MS; !(await condition()); await sleep(10))
    if (Date.now() > end) throw new Error('it does not happen');
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.on('connect', () => socket.destroy(resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

// CORSAC_BIN at a free port, in ./server.
export class Server {
  // What clients connect to: their own default is localhost, which is ::1 on one machine and 127.0.0.1 on the next.
  get address() {
    return { host: '127.0.0.1', port: this.port };
  }

  static async start(...options) {
    const server = new Server();
    server.port = await freePort();
    server.options = options;
    await server.launch();
    return server;
  }

  async launch() {
    mkdirSync('server', { recursive: true });
    const log = openSync('server/log', 'a');
    const words = ['--port', this.port, '--dir', 'server', '--save', '', '--appendonly', 'no', ...this.options];
    this.process = spawn(process.env.CORSAC_BIN, words.map(String), { stdio: ['ignore', log, log] });
    closeSync(log);
    process.once('exit', () => this.process.kill('SIGKILL'));
    await until(() => {
      if (this.process.exitCode !== null) throw new Error(`the server ended:\n${readFileSync('server/log')}`);
      return answers(this.port);
    });
  }

  // Ends it; returns its exit status.
  async stop() {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const [status] = await Promise.race([ended, sleep(PATIENCE_MS, ['none, in time'], { ref: false })]);
    return status;
  }
}

// Runs all tests; `close` ends the clients before the server is stopped. Ends the program.
export async function run(server, close) {
  let failed = 0;
  const pattern = (process.env.TEST_NAME ?? '').replaceAll('*', '');
  const chosen = tests.filter(({ what }) => what.includes(pattern));
  tests.splice(0, tests.length, ...chosen);
  const say = (ok, number, what) => {
    failed += ok ? 0 : 1;
    console.log(`${ok ? 'ok' : 'not ok'} ${number} - ${what}`);
  };
  console.log(`1..${tests.length + 1}`);
  for (const [i, { what, run: body, patience_ms }] of tests.entries()) {
    try {
      const late = sleep(patience_ms, null, { ref: false }).then(() => { throw new Error('it takes too long'); });
      const skipped = await Promise.race([body(), late]);
      say(true, i + 1, skipped ? `${what} # SKIP ${skipped}` : what);
    } catch (error) {
      say(false, i + 1, what);
      console.log(String(error.stack ?? error).replace(/^/gm, '# '));
    }
  }
  await close();
  const status = await server.stop();
  say(status === 0, tests.length + 1, `the server ends with exit status 0, it is ${status}`);
  process.exit(failed ? 1 : 0);
}
