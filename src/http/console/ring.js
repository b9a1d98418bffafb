// The ring: every shard has as much of it as it owns slots, and stands out as far as it is loaded.
import { ask as dialog, button, h, options, put, say, svg, table } from './dom.js';
import { ask } from './api.js';
import { bytes, count } from './format.js';
import { rowsOf } from './samples.js';

const SIZE = 240;
const HUB = 70; // where the ring begins, from the centre
const BAND = 8; // its width
const REACH = 36; // how far the fullest shard stands out of it
const SHARDS_MAX = 1024;
// More than so much above the even share is told by a colour.
const UNEVEN = 1.5;

const point = (radius, turn) => {
  const angle = (turn - 0.25) * 2 * Math.PI;
  return `${(SIZE / 2 + radius * Math.cos(angle)).toFixed(2)} ${(SIZE / 2 + radius * Math.sin(angle)).toFixed(2)}`;
};

// Part of a ring, from one turn to another, both 0 to 1.
function sector(inner, outer, from, to) {
  // A whole turn would begin where it ends, which is nothing.
  const end = Math.min(to, from + 0.99999);
  const large = end - from > 0.5 ? 1 : 0;
  return (
    `M${point(outer, from)}A${outer} ${outer} 0 ${large} 1 ${point(outer, end)}` +
    `L${point(inner, end)}A${inner} ${inner} 0 ${large} 0 ${point(inner, from)}Z`
  );
}

export class Ring {
  constructor() {
    this.by = 'keys';
    this.drawn = '';
    this.picture = svg('svg', { viewBox: `0 0 ${SIZE} ${SIZE}`, role: 'img', class: 'ring' });
    this.list = h('div', { class: 'ring-list' });
    this.progress = h('p', { class: 'moving' });
    this.choice = h(
      'select',
      {
        'aria-label': 'Load by',
        onchange: () => {
          this.by = this.choice.value;
          this.draw(this.info);
        },
      },
      options([
        ['keys', 'by keys'],
        ['bytes', 'by bytes'],
      ]),
    );
    this.node = h(
      'section',
      { class: 'card', 'aria-labelledby': 'ring-title' },
      h(
        'div',
        { class: 'card-head' },
        h('h2', { id: 'ring-title' }, 'Ring'),
        this.choice,
        button('Reshard', () => this.reshard()),
      ),
      this.progress,
      h('div', { class: 'ring-both' }, this.picture, this.list),
    );
  }

  draw(info) {
    this.info = info;
    if (!info) return;
    const moving = info.get('resharding') === '1';
    const done = Number(info.get('resharding_done_perc'));
    this.progress.hidden = !moving;
    if (moving)
      this.progress.textContent =
        `Moving from ${info.get('resharding_from')} to ${info.get('resharding_to')} shards: ` +
        `${done.toFixed(0)} % done`;
    const shards = [...rowsOf(info, 'shard')]
      .filter(([name]) => /^\d+$/.test(name))
      .map(([name, row]) => ({
        name,
        slots: Number(row.slots),
        keys: Number(row.keys),
        expires: Number(row.expires),
        bytes: Number(row.bytes),
      }));
    // Rows and arcs are made anew only when something changed, so that a pointer or a reader on them is left alone.
    const key = JSON.stringify([this.by, shards]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.drawPicture(shards);
    this.drawList(shards);
  }

  drawPicture(shards) {
    const slots = shards.reduce((sum, shard) => sum + shard.slots, 0) || 1;
    const total = shards.reduce((sum, shard) => sum + shard[this.by], 0);
    const most = Math.max(...shards.map((shard) => shard[this.by]), 1);
    const gap = shards.length > 1 && shards.length <= 64 ? 0.0025 : 0;
    let from = 0;
    const parts = shards.map((shard, i) => {
      const to = from + shard.slots / slots;
      const [begin, end] = [from + gap, Math.max(to - gap, from + gap)];
      const uneven = total > 0 && shard[this.by] > (UNEVEN * total * shard.slots) / slots && shards.length > 1;
      const reach = (shard[this.by] / most) * REACH;
      from = to;
      return svg(
        'g',
        { class: `shard${uneven ? ' uneven' : ''}${i % 2 ? ' odd' : ''}` },
        svg(
          'title',
          null,
          `Shard ${shard.name}: ${shard.slots} slots, ${count(shard.keys)} keys, ${bytes(shard.bytes)}`,
        ),
        svg('path', { class: 'band', d: sector(HUB, HUB + BAND, begin, end) }),
        reach > 0.2 && svg('path', { class: 'load', d: sector(HUB + BAND + 2, HUB + BAND + 2 + reach, begin, end) }),
      );
    });
    const shown = this.by === 'keys' ? `${count(total)} keys` : bytes(total);
    this.picture.replaceChildren(
      ...parts,
      svg('text', { class: 'hub', x: SIZE / 2, y: SIZE / 2 - 2 }, `${shards.length}`),
      svg('text', { class: 'hub-small', x: SIZE / 2, y: SIZE / 2 + 15 }, shards.length === 1 ? 'shard' : 'shards'),
      svg('text', { class: 'hub-small', x: SIZE / 2, y: SIZE / 2 + 30 }, shown),
    );
    const least = Math.min(...shards.map((shard) => shard[this.by]));
    const format = this.by === 'keys' ? count : bytes;
    this.picture.setAttribute(
      'aria-label',
      `${shards.length} shards with ${shown}; each has between ${format(least)} and ${format(most)}`,
    );
  }

  drawList(shards) {
    const number = (text) => h('td', { class: 'n' }, text);
    put(
      this.list,
      table(
        'Shards',
        ['Shard', ['Slots', 'n'], ['Keys', 'n'], ['Expire', 'n'], ['Bytes', 'n']],
        shards.map((shard) =>
          h(
            'tr',
            null,
            h('th', { scope: 'row' }, shard.name),
            number(count(shard.slots)),
            number(count(shard.keys)),
            number(count(shard.expires)),
            number(bytes(shard.bytes)),
          ),
        ),
      ),
    );
  }

  async reshard() {
    const now = this.info?.get('shards') ?? '1';
    const control = h('input', { type: 'number', min: 1, max: SHARDS_MAX, required: true, value: now });
    await dialog({
      title: 'Number of shards',
      text: 'Keys move in slices while clients are served: about 1/N of them, the others stay where they are.',
      controls: { shards: ['Shards', control] },
      action: 'Reshard',
      submit: async ({ shards }) => {
        await ask('CONFIG', 'SET', 'shards', shards);
        say(`The keys are moving to ${shards} shards.`);
      },
    });
  }
}
