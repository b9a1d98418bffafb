// Numbers for people. A count has at most four characters and a letter.

export function count(n) {
  if (n === null || !Number.isFinite(n)) return '–';
  if (n < 10 && !Number.isInteger(n)) return n.toFixed(1);
  if (n < 10000) return Math.round(n).toLocaleString('en');
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ])
    if (n >= size) return `${(n / size).toFixed(n / size < 100 ? 1 : 0)}${letter}`;
  return String(n);
}

export function bytes(n) {
  if (n === null || !Number.isFinite(n)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; n >= 1024 && unit < units.length - 1; n /= 1024) unit += 1;
  return `${n < 10 && unit > 0 ? n.toFixed(2) : n < 100 && unit > 0 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

export function micros(us) {
  if (us === null || !Number.isFinite(us)) return '–';
  if (us < 1000) return `${us < 10 ? us.toFixed(1) : Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1e3).toFixed(us < 1e5 ? 1 : 0)} ms`;
  return `${(us / 1e6).toFixed(1)} s`;
}

export function percent(part) {
  return part === null || !Number.isFinite(part) ? '–' : `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;
}

export function seconds(s) {
  if (s === null || !Number.isFinite(s)) return '–';
  const parts = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'm'],
  ];
  for (const [i, [size, letter]] of parts.entries())
    if (s >= size) {
      const [next, small] = parts[i + 1] ?? [1, 's'];
      return `${Math.floor(s / size)}${letter} ${Math.floor((s % size) / next)}${small}`;
    }
  return `${Math.floor(s)}s`;
}

// Of PTTL: -1 is none.
export function deadline(ms) {
  return ms < 0 ? 'never' : ms < 1000 ? `${ms} ms` : seconds(ms / 1000);
}
