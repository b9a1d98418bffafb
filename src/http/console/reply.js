// Replies in RESP2, as redis-cli shows them.
import { quote, toText } from './bytes.js';

// Reads one reply of `text`, which has a character for each byte.
class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  row() {
    const end = this.text.indexOf('\r\n', this.at);
    if (end < 0) throw new Error('The reply is cut off.');
    const row = this.text.slice(this.at, end);
    this.at = end + 2;
    return row;
  }

  read() {
    const row = this.row();
    const rest = row.slice(1);
    switch (row[0]) {
      case '+':
        return { type: 'status', value: rest };
      case '-':
        return { type: 'error', value: rest };
      case ':':
        return { type: 'integer', value: rest };
      case '$':
        return this.string(Number(rest));
      case '*':
        return Number(rest) < 0
          ? { type: 'nil' }
          : { type: 'array', value: Array.from({ length: Number(rest) }, () => this.read()) };
      default:
        throw new Error('The reply is not RESP2.');
    }
  }

  string(size) {
    if (size < 0) return { type: 'nil' };
    const value = this.text.slice(this.at, this.at + size);
    this.at += size + 2;
    return { type: 'string', value };
  }
}

export function parse(text) {
  return new Reader(text).read();
}

// `indent` is what stands before the second and later lines of an array.
export function show(reply, indent = '') {
  switch (reply.type) {
    case 'status':
      return toText(reply.value) ?? reply.value;
    case 'error':
      return `(error) ${toText(reply.value) ?? reply.value}`;
    case 'integer':
      return `(integer) ${reply.value}`;
    case 'string':
      return quote(reply.value);
    case 'nil':
      return '(nil)';
    default:
      break;
  }
  if (reply.value.length === 0) return '(empty array)';
  const width = String(reply.value.length).length;
  return reply.value
    .map((element, i) => {
      const number = `${String(i + 1).padStart(width)}) `;
      return (i ? indent : '') + number + show(element, indent + ' '.repeat(number.length));
    })
    .join('\n');
}

// What these reply is text for people: without quotes, line by line.
const AS_IT_IS =
  /^(info|lolwut|client (list|info)|cluster (info|nodes)|memory (doctor|malloc-stats)|latency (doctor|graph))$/i;

export function showFor(words, reply) {
  const asItIs = reply.type === 'string' && (AS_IT_IS.test(words[0]) || AS_IT_IS.test(words.slice(0, 2).join(' ')));
  return asItIs ? (toText(reply.value) ?? reply.value) : show(reply);
}

const ESCAPES = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const isSpace = (c) => c === undefined || /\s/.test(c);

// One word that begins at `at`; returns it as bytes, and where it ends. `bytes` is the line in UTF-8.
function word(bytes, at) {
  let made = '';
  let quoted = null;
  for (; at < bytes.length || quoted; at += 1) {
    const c = bytes[at];
    if (c === undefined) throw new Error('A quote is not closed.');
    if (quoted === null) {
      if (isSpace(c)) break;
      if (c === '"' || c === "'") quoted = c;
      else made += c;
    } else if (c === quoted) {
      if (!isSpace(bytes[at + 1])) throw new Error('A space is missing behind a quote.');
      quoted = null;
    } else if (c === '\\' && quoted === '"' && /^x[0-9a-fA-F]{2}/.test(bytes.slice(at + 1, at + 4))) {
      made += String.fromCharCode(parseInt(bytes.slice(at + 2, at + 4), 16));
      at += 3;
    } else if (c === '\\' && (quoted === '"' || bytes[at + 1] === "'") && bytes[at + 1] !== undefined) {
      at += 1;
      made += quoted === '"' ? (ESCAPES[bytes[at]] ?? bytes[at]) : bytes[at];
    } else {
      made += c;
    }
  }
  return [made, at];
}

// A line's words, with redis-cli's quotes and escapes; `bytes` is the line in UTF-8, and so are the words.
export function split(bytes) {
  const words = [];
  for (let at = 0; at < bytes.length;) {
    if (isSpace(bytes[at])) {
      at += 1;
      continue;
    }
    const [made, end] = word(bytes, at);
    words.push(made);
    at = end;
  }
  return words;
}
