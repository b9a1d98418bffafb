// What the tests of the console share: a server, a client of it by Redis' protocol, a browser, and a person's steps.
import { Redis } from 'ioredis';
import { launch, Person } from './browser.mjs';
import { freePort, run, Server, test as testFor } from './harness.mjs';

// A browser takes its time on a busy machine.
const PATIENCE_MS = 90000;

export const test = (what, body) => testFor(what, body, PATIENCE_MS);
export const httpPort = await freePort();
export const server = await Server.start('--http-port', httpPort, '--shards', 4, '--appendonly', 'yes');
export const url = `http://127.0.0.1:${httpPort}/`;
export const redis = new Redis(server.address).on('error', () => {}); // while a test restarts the server
export const browser = await launch();

// A person at the console of a server without keys.
export async function open(options) {
  await redis.flushall();
  return Person.at(browser, url, options);
}

// Looks for a key by its name, and opens it.
export async function key(person, name) {
  await person.go('keys');
  await person.page.getByLabel('Pattern').fill(name);
  await person.page.getByRole('button', { name: 'Search' }).click();
  await person.page.locator('.keys button', { hasText: name }).first().click();
  await person.page.locator('.detail h2', { hasText: name }).waitFor();
}

export const said = (person, text) => person.page.locator('#toast', { hasText: text }).waitFor();

export function runAll() {
  return run(server, async () => {
    redis.disconnect();
    await browser.close();
  });
}
