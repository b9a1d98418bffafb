// Chromium without a screen, and what the tests of the console have in common.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PATIENCE_MS = 15000;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// rebound.test is what an attacker's DNS would say: a name of this machine.
export function launch() {
  const executablePath = PLACES.find(existsSync);
  if (!executablePath) throw new Error('there is no Chromium: utils/deps --test installs it');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--host-resolver-rules=MAP rebound.test 127.0.0.1',
    ],
  });
}

// A page of a person of its own; `faults` collects what a page must never say: errors, what the policy forbade, files
// from elsewhere.
export class Person {
  static async at(browser, url, options = {}) {
    const person = new Person();
    person.context = await browser.newContext({ viewport: { width: 1360, height: 860 }, ...options });
    person.context.setDefaultTimeout(PATIENCE_MS);
    person.page = await person.context.newPage();
    person.faults = [];
    person.allowed = []; // patterns of faults that a test brings about itself
    person.page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) person.faults.push(message.text());
    });
    person.page.on('pageerror', (error) => person.faults.push(String(error.stack)));
    person.page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(url).origin) person.faults.push(`loads ${request.url()}`);
    });
    await person.page.goto(url);
    person.url = url;
    return person;
  }

  // To a view, as a link would.
  async go(view) {
    await this.page.click(`#views a[href="#${view}"]`);
    await this.page.locator(`#views a[href="#${view}"][aria-current=page]`).waitFor();
  }

  async dialog(fields, action) {
    const dialog = this.page.locator('dialog[open]');
    await dialog.waitFor();
    for (const [label, value] of Object.entries(fields)) {
      const control = dialog.getByLabel(label, { exact: false });
      if ((await control.evaluate((element) => element.tagName)) === 'SELECT') await control.selectOption(value);
      else await control.fill(value);
    }
    await dialog.getByRole('button', { name: action, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  }

  // What axe-core finds wrong with the page as it is now.
  async inaccessible() {
    if (!(await this.page.evaluate(() => 'axe' in globalThis))) await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} (${failureSummary})`).join(' | ')}`,
    );
  }

  // Also that the page never said anything bad.
  async leave() {
    await this.context.close();
    const faults = this.faults.filter((fault) => !this.allowed.some((pattern) => pattern.test(fault)));
    assert.deepEqual(faults, []);
  }
}
