// Bytes, as strings with one character for each byte: what a server's strings are, text or not.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const BLOCK = 8192; // arguments of one call

export function fromArray(array) {
  let bytes = '';
  for (let i = 0; i < array.length; i += BLOCK) bytes += String.fromCharCode(...array.subarray(i, i + BLOCK));
  return bytes;
}

function toArray(bytes) {
  return Uint8Array.from(bytes, (c) => c.charCodeAt(0));
}

export function fromText(text) {
  return fromArray(encoder.encode(text));
}

// The text that the bytes are in UTF-8, or null where they are none.
export function toText(bytes) {
  try {
    return decoder.decode(toArray(bytes));
  } catch {
    return null;
  }
}

const NAMED = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x07': '\\a', '\b': '\\b', '\\': '\\\\' };
const hex = (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;

// Text that a person can read and edit as it is: lines and tabs, but no other control characters.
export function isPlain(bytes) {
  const text = toText(bytes);
  return text !== null && !/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(text);
}

// Every byte that is no printable text as \xHH. `unescape` gives the bytes back.
export function escape(bytes) {
  const text = toText(bytes);
  if (text === null) return bytes.replace(/[^\x20-\x5b\x5d-\x7e]/g, (c) => NAMED[c] ?? hex(c));
  return text.replace(
    /[\x00-\x1f\x7f-\x9f\\\u2028\u2029\ufeff]/g,
    (c) => NAMED[c] ?? [...fromText(c)].map(hex).join(''),
  );
}

const BY_NAME = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

export function unescape(text) {
  return fromText(text).replace(/\\(x[0-9a-fA-F]{2}|[^])/g, (all, what) =>
    what.length === 3 ? String.fromCharCode(parseInt(what.slice(1), 16)) : (BY_NAME[what] ?? what),
  );
}

// On one line, for lists and tables.
export function line(bytes) {
  return isPlain(bytes) && !/[\n\r\t]/.test(bytes) ? toText(bytes) : escape(bytes);
}

// In quotes, as redis-cli shows a string.
export function quote(bytes) {
  return `"${escape(bytes).replaceAll('"', '\\"')}"`;
}
