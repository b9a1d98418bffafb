// Asks the server: commands by POST /pipeline, of Upstash's REST protocol. Strings go both ways as bytes (bytes.js).
//
// The password is kept in sessionStorage, which ends with the tab; every request has it in a header, which no page of
// another origin can make the browser send.
import { fromArray, fromText, toText } from './bytes.js';

const TOKEN = 'corsac-token';
const PATIENCE_MS = 15000;

// An error that the server replied to a command.
export class ReplyError extends Error {}

// The server wants a password, or another one.
export class Refused extends Error {}

// The database that commands go to.
export const chosen = { db: 0 };

export function setToken(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

// Paths are relative, so that a proxy may serve the console below a path of its own.
async function post(path, body, headers) {
  const token = sessionStorage.getItem(TOKEN);
  const response = await fetch(`${path}?db=${chosen.db}`, {
    method: 'POST',
    body,
    headers: {
      'Content-Type': 'application/json',
      // In UTF-8; fetch takes a character for each byte.
      ...(token ? { Authorization: `Bearer ${fromText(token)}` } : {}),
      ...headers,
    },
    cache: 'no-store',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (response.status === 401) throw new Refused('The server asks for its password.');
  return response;
}

// Strings are in base64, but for an OK that is the whole reply.
function decode(value, whole = false) {
  if (Array.isArray(value)) return value.map((element) => decode(element));
  if (typeof value !== 'string' || (whole && value === 'OK')) return value;
  return atob(value);
}

const BASE64 = { 'Upstash-Encoding': 'base64' };

// The body for commands, each an array of words, and the fields that say how it is to be read: words that are no text
// cannot stand in JSON, and then all words are in base64.
function pack(commands) {
  const texts = commands.map((words) => words.map((word) => toText(String(word))));
  if (!texts.some((words) => words.includes(null))) return [texts, {}];
  return [commands.map((words) => words.map((word) => btoa(String(word)))), { 'X-Corsac-Arguments': 'base64' }];
}

// Runs commands in their order; returns a reply for each, which may be a ReplyError.
export async function run(commands) {
  const [body, headers] = pack(commands);
  const replies = await (await post('pipeline', JSON.stringify(body), { ...BASE64, ...headers })).json();
  if (!Array.isArray(replies)) throw new ReplyError(replies.error ?? 'The server did not understand the request.');
  return replies.map(({ result, error }) => (error === undefined ? decode(result, true) : new ReplyError(error)));
}

// The reply of one command; an error is thrown.
export async function ask(...words) {
  const [reply] = await run([words]);
  if (reply instanceof ReplyError) throw reply;
  return reply;
}

// All of the commands, or none, as one transaction. An error is thrown.
export async function runTogether(commands) {
  const [body, headers] = pack(commands);
  const replies = await (await post('multi-exec', JSON.stringify(body), { ...BASE64, ...headers })).json();
  const failed = Array.isArray(replies) ? replies.find(({ error }) => error !== undefined) : replies;
  if (failed) throw new ReplyError(failed.error);
}

// The reply as it is on the wire, in RESP2: for the command line, which shows what kind it is.
export async function runRaw(words) {
  const [body, headers] = pack([words]);
  const response = await post('pipeline', JSON.stringify(body), { 'Upstash-Response-Format': 'resp2', ...headers });
  if (response.headers.get('Content-Type')?.startsWith('application/octet-stream'))
    return fromArray(new Uint8Array(await response.arrayBuffer()));
  const { error } = await response.json();
  return `-${fromText(error ?? 'ERR the server did not understand the request')}\r\n`;
}
