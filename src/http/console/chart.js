// A chart of lines over the last two minutes, as SVG, with what it shows in words for whoever does not see it.
import { h, svg } from './dom.js';
import { WINDOW } from './samples.js';

const WIDTH = 600;
const HEIGHT = 120;
const GRID = 3; // lines across

// The next round number: 1, 2 or 5, and zeros; of bytes a power of two.
function ceiling(value, binary) {
  if (!(value > 0)) return 1;
  if (binary) return 2 ** Math.ceil(Math.log2(value));
  const zeros = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * zeros >= value) * zeros;
}

// `series`: [{ key, name }], keys of a sample; `format` makes a value text.
export class Chart {
  constructor({ title, series, format, binary = false }) {
    Object.assign(this, { title, series, format, binary, at: null });
    this.lines = series.map((_, i) => svg('path', { class: `line s${i}` }));
    this.areas = series.map((_, i) => svg('path', { class: `area s${i}` }));
    this.cursor = svg('line', { class: 'cursor', y1: 0, y2: HEIGHT, visibility: 'hidden' });
    const grid = Array.from({ length: GRID }, (_, i) =>
      svg('line', {
        class: 'grid',
        x1: 0,
        x2: WIDTH,
        y1: (i * HEIGHT) / GRID + 0.5,
        y2: (i * HEIGHT) / GRID + 0.5,
      }),
    );
    this.picture = svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' },
      grid,
      this.areas,
      this.lines,
      this.cursor,
    );
    this.top = h('span', { class: 'top-value', 'aria-hidden': 'true' });
    this.values = series.map(() => h('b', null, '–'));
    this.when = h('span', { class: 'when', 'aria-hidden': 'true' });
    this.node = h(
      'figure',
      { class: 'card chart' },
      h(
        'figcaption',
        null,
        h('h2', null, title),
        h(
          'span',
          { class: 'legend' },
          series.map(({ name }, i) => h('span', { class: `key s${i}` }, name, ' ', this.values[i])),
        ),
      ),
      h('div', { class: 'plot' }, this.picture, this.top, this.when),
    );
    this.picture.addEventListener('pointermove', (event) => {
      const { left, width } = this.picture.getBoundingClientRect();
      this.at = Math.round(((event.clientX - left) / width) * (WINDOW - 1));
      this.draw(this.samples);
    });
    this.picture.addEventListener('pointerleave', () => {
      this.at = null;
      this.draw(this.samples);
    });
  }

  draw(samples) {
    this.samples = samples ?? [];
    const first = WINDOW - this.samples.length;
    const values = this.samples.flatMap((sample) => this.series.map(({ key }) => sample[key] ?? 0));
    const max = ceiling(Math.max(...values, 0), this.binary);
    this.top.textContent = this.format(max);
    for (const [i, { key }] of this.series.entries()) {
      const [line, area] = this.paths(key, first, max);
      this.lines[i].setAttribute('d', line);
      this.areas[i].setAttribute('d', area);
    }
    this.point(first);
    this.picture.setAttribute('aria-label', this.words());
  }

  // A null is a gap.
  paths(key, first, max) {
    let line = '';
    let area = '';
    let begin = null;
    const x = (i) => (((first + i) * WIDTH) / (WINDOW - 1)).toFixed(1);
    const close = (i) => {
      if (begin !== null) area += `L${x(i)} ${HEIGHT}L${x(begin)} ${HEIGHT}Z`;
      begin = null;
    };
    for (const [i, sample] of this.samples.entries()) {
      if (sample[key] === null || sample[key] === undefined) {
        close(i - 1);
        continue;
      }
      const point = `${x(i)} ${(HEIGHT - 1 - (sample[key] / max) * (HEIGHT - 4)).toFixed(1)}`;
      line += (begin === null ? 'M' : 'L') + point;
      area += (begin === null ? 'M' : 'L') + point;
      begin ??= i;
    }
    close(this.samples.length - 1);
    return [line, area];
  }

  // The legend has the values under the pointer, else the newest.
  point(first) {
    const pointed = this.at === null ? null : this.samples[this.at - first];
    const sample = pointed ?? this.samples.at(-1);
    for (const [i, { key }] of this.series.entries()) this.values[i].textContent = this.format(sample?.[key] ?? null);
    this.cursor.setAttribute('visibility', pointed ? 'visible' : 'hidden');
    this.when.textContent = pointed ? new Date(pointed.at).toLocaleTimeString() : '';
    const x = ((this.at ?? 0) * WIDTH) / (WINDOW - 1);
    this.cursor.setAttribute('x1', x);
    this.cursor.setAttribute('x2', x);
  }

  words() {
    const said = this.series.map(({ key, name }) => {
      const values = this.samples
        .map((sample) => sample[key])
        .filter((value) => value !== null && value !== undefined);
      if (values.length === 0) return `${name}: nothing yet`;
      const [now, least, most] = [values.at(-1), Math.min(...values), Math.max(...values)].map(this.format);
      return `${name}: now ${now}, between ${least} and ${most} in the last ${values.length} seconds`;
    });
    return `${this.title}. ${said.join('. ')}.`;
  }
}
