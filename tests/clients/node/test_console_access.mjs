// The console for everybody: by keyboard alone, for screen readers (axe-core), in both themes, on a phone. Leaves
// pictures in build/screenshots/.
import './release_only.mjs';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { key, open, redis, runAll, test } from './console.mjs';
import { sleep, until } from './harness.mjs';

const VIEWS = ['overview', 'keys', 'cli', 'clients', 'slowlog'];
const PICTURES = join(process.env.CORSAC_ROOT, 'build', 'screenshots');

test('all of it works by keyboard alone', async () => {
  const person = await open();
  await redis.set('first', '1');
  await redis.set('second', '2');
  const { keyboard } = person.page;
  const focused = () =>
    person.page.evaluate(
      () =>
        document.activeElement.innerText ||
        document.activeElement.id ||
        document.activeElement.getAttribute('aria-label') ||
        document.activeElement.labels?.[0]?.innerText ||
        '',
    );
  const tabTo = async (text) => {
    for (let i = 0; i < 60; i += 1) {
      await keyboard.press('Tab');
      const now = await focused();
      if (typeof text === 'string' ? now.includes(text) : text.test(now)) {
        const outline = await person.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.notEqual(outline, 'none', `${text} shows no focus`);
        return;
      }
    }
    assert.fail(`Tab does not come to ${text}`);
  };
  await keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to content');
  await keyboard.press('Enter');
  assert.equal(await focused(), await person.page.locator('main').innerText());
  await person.page.reload();
  await tabTo('Keys');
  await keyboard.press('Enter');
  await person.page.locator('.keys button').nth(1).waitFor();
  assert.equal(await focused(), 'Keys');
  await tabTo('New key');
  await keyboard.press('Enter');
  await person.page.locator('dialog[open]').waitFor();
  await keyboard.type('third');
  await keyboard.press('Tab');
  await keyboard.press('Tab');
  await keyboard.type('3');
  await keyboard.press('Tab');
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await until(async () => (await redis.get('third')) === '3');
  await person.page.locator('.detail h2', { hasText: 'third' }).waitFor();
  await until(async () => (await person.page.locator('.keys button').count()) === 3);
  // From the search on: the list is one stop, the arrows go on in it.
  await person.page.getByLabel('Pattern').focus();
  await tabTo(/^string\s/);
  const before = await focused();
  await keyboard.press('ArrowDown');
  assert.notEqual(await focused(), before);
  const name = (await focused()).split('\n').at(-1).replace('string', '').trim();
  await keyboard.press('Enter');
  await until(async () => (await focused()) === name);
  await tabTo('Delete');
  await keyboard.press('Enter');
  await person.page.locator('dialog[open]').waitFor();
  assert.equal(await focused(), 'Cancel'); // Enter twice deletes nothing
  await keyboard.press('Escape');
  await person.page.locator('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(), 'Delete');
  await keyboard.press('Enter');
  await tabTo('Delete');
  await keyboard.press('Enter');
  await until(async () => (await redis.exists(name)) === 0);
  await until(async () => /^string\s/.test(await focused())); // the next key of the list
  await person.leave();
});

async function fill() {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 3000; i += 1) pipeline.set(`user:${i}:name`, ['Ada', 'Grace', 'Linus', 'Barbara'][i % 4] + i);
  for (let i = 0; i < 300; i += 1)
    pipeline.hset(`session:${i}`, {
      user: i,
      ip: `192.0.2.${i % 256}`,
      agent: 'Mozilla/5.0',
      csrf: 'c0ffee'.repeat(4),
    });
  for (let i = 0; i < 20; i += 1)
    pipeline.rpush(`queue:mail:${i}`, ...Array(150).fill('{"to":"ada@example.org","template":"welcome"}'));
  for (let i = 0; i < 20; i += 1)
    pipeline.zadd(`leaderboard:${i}`, ...Array.from({ length: 100 }, (_, j) => [j * i, `player:${j}`]).flat());
  pipeline.expire('session:1', 3600);
  await pipeline.exec();
}

// What a busy server's clients do, so that there is something to see.
function traffic() {
  const some = (n) => Math.floor(Math.random() * n);
  return setInterval(() => {
    const pipeline = redis.pipeline();
    for (let i = some(60); i >= 0; i -= 1) {
      pipeline
        .get(`user:${some(3200)}:name`)
        .set(`user:${some(3000)}:name`, `Ada${i}`)
        .hgetall(`session:${some(300)}`);
      if (i % 3 === 0)
        pipeline.zadd(`leaderboard:${some(20)}`, i, `player:${some(100)}`).lrange(`queue:mail:${some(20)}`, 0, 49);
    }
    pipeline.exec();
  }, 40);
}

async function visit(person, each) {
  for (const view of VIEWS) {
    await person.go(view);
    if (view === 'keys') {
      await key(person, 'session:1');
      await person.page.locator('.detail tbody tr').first().waitFor();
    }
    if (view === 'cli') {
      for (const line of ['HGETALL session:1', 'INCR session:1']) {
        await person.page.getByLabel('Command for').fill(line);
        await person.page.keyboard.press('Enter');
        await sleep(100);
      }
      await person.page.getByLabel('Command for').fill('zra');
    }
    await person.page.locator('main > div:not([hidden])').locator('tbody tr, .said, .none').first().waitFor();
    await each(view);
  }
}

for (const [theme, options] of [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
])
  test(`it is accessible, and fits: ${theme}`, async () => {
    const person = await open(options);
    await fill();
    const busy = traffic();
    mkdirSync(PICTURES, { recursive: true });
    await until(
      async () => (await person.page.locator('.chart .line').first().getAttribute('d')).split('L').length > 3,
    );
    await visit(person, async (view) => {
      assert.deepEqual(await person.inaccessible(), [], view);
      const [wide, there] = await person.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= there, `${view} is ${wide} wide, the screen ${there}`);
      await person.page.screenshot({ path: join(PICTURES, `${theme}-${view}.png`), fullPage: view === 'overview' });
    });
    await person.go('keys');
    await person.page.getByRole('button', { name: 'New key' }).click();
    assert.deepEqual(await person.inaccessible(), [], 'dialog');
    await person.page.screenshot({ path: join(PICTURES, `${theme}-dialog.png`) });
    clearInterval(busy);
    await person.leave();
  });

test('the theme can be switched, and stays', async () => {
  const person = await open({ colorScheme: 'light' });
  const page = () => person.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await page();
  const button = person.page.locator('#theme');
  await button.click();
  assert.equal(await button.textContent(), 'Theme: light');
  await button.click();
  assert.equal(await button.textContent(), 'Theme: dark');
  assert.notEqual(await page(), light);
  await person.page.reload();
  await until(async () => (await page()) !== light);
  await button.click();
  assert.equal(await page(), light);
  await person.leave();
});

await runAll();
