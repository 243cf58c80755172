// The API, as the person signed in. An act is kept until it is answered and sent again under the same key: it happens once.

import { hex, proveByKey, proveByPasskey, sha256 } from './device.js';
import { list, load, remove, save } from './store.js';
import { language } from './words.js';

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? String(status));
    Object.assign(this, { status, code: body.code ?? 'unknown', body });
  }
}

export class Offline extends Error {}

const PATIENCE_MS = 15000;
// The API knows a key again for 24 hours, and nobody shall be surprised by what they asked for yesterday.
const LATE_MS = 3600000;
let session = null;
let device = null; // the session is of this one; another window may have enrolled somebody else meanwhile

export const events = new EventTarget();
const tell = (name, detail) => events.dispatchEvent(new CustomEvent(name, { detail }));

async function send(method, path, { body, headers = {}, token, raw } = {}) {
  const given = { 'Accept-Language': language(), ...headers };
  if (token) given.Authorization = `Bearer ${token}`;
  if (body !== undefined && !raw) given['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(path, {
      method, headers: given, body: raw ? body : body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS), cache: 'no-store',
    });
  } catch {
    throw new Offline();
  }
  if (answer.ok) return answer;
  const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
  problem.retryAfter = Number(answer.headers.get('Retry-After')) || 1;
  throw problem;
}

export async function restore() {
  session = await load('mine', 'session') ?? null;
  device = await load('mine', 'device_id');
  return session;
}

export async function keepSession(answer) {
  session = answer;
  device = await load('mine', 'device_id');
  await save('mine', 'session', answer);
}

export const me = () => session;

async function refresh(spent) {
  await navigator.locks.request('sepakat-refresh', async () => {
    if (await load('mine', 'device_id') !== device) {
      location.reload();
      throw new Offline();
    }
    session = await load('mine', 'session') ?? null;
    if (!session) throw new Problem(401, { code: 'not_signed_in' });
    if (session.access_token !== spent) return;
    const deviceId = await load('mine', 'device_id');
    const statement = {
      version: 1, purpose: 'refresh', device_id: deviceId, refresh_token_sha256: hex(await sha256(session.refresh_token)),
    };
    const answer = await send('POST', '/v1/sessions/refresh', {
      body: { refresh_token: session.refresh_token, proof: await proveByKey(statement) },
    });
    await keepSession((await answer.json()).session);
  });
}

// With the session's token, renewed when it has run out; a busy server is asked again, patiently.
async function ask(method, path, options = {}) {
  for (let tries = 0; ; tries += 1) {
    const token = session?.access_token;
    try {
      return await send(method, path, { ...options, token });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401 && token && tries === 0) {
        try {
          await refresh(token);
          continue;
        } catch (refused) {
          if (refused instanceof Problem && refused.status < 500) tell('signed-out');
          throw refused;
        }
      }
      const later = error.status === 503 || error.code === 'idempotency_in_progress';
      if (!later || tries >= 3) throw error;
      await new Promise((done) => setTimeout(done, error.retryAfter * 1000));
    }
  }
}

const read = async (answer) => (answer.status === 204 ? null : answer.json());

export const get = async (path) => read(await ask('GET', path));
export const put = async (path, body) => read(await ask('PUT', path, { body }));
export const patch = async (path, body) => read(await ask('PATCH', path, { body }));
export const del = async (path, body) => read(await ask('DELETE', path, { body }));
export const blob = async (path, accept) => (await ask('GET', path, { headers: { Accept: accept } })).blob();
export const open = (path, headers, signal) => fetch(path, {
  headers: { ...headers, 'Accept-Language': language(), Authorization: `Bearer ${session.access_token}` }, signal, cache: 'no-store',
});
export const renew = () => refresh(session.access_token);
export const openly = async (method, path, body) => read(await send(method, path, { body }));
export const upload = async (path, file) => read(await ask('POST', path, {
  body: file, raw: true, headers: { 'Content-Type': file.type, 'Idempotency-Key': crypto.randomUUID() },
}));

async function deliver(sent) {
  try {
    const answer = await read(await ask('POST', sent.path, { body: sent.body, headers: { 'Idempotency-Key': sent.key } }));
    await remove('unanswered', sent.key);
    return answer;
  } catch (error) {
    const known = error instanceof Problem && error.status < 500 && error.status !== 401 && error.code !== 'idempotency_in_progress';
    if (known) await remove('unanswered', sent.key);
    throw error;
  }
}

export async function post(path, body = {}) {
  const sent = { key: crypto.randomUUID(), path, body, at: Date.now(), device };
  await save('unanswered', sent.key, sent);
  return deliver(sent);
}

// What was sent before the network or the app went away: done or not done, never twice.
export async function settle() {
  for (const sent of await list('unanswered')) {
    const ours = sent.device === device;
    if (!ours || Math.abs(Date.now() - sent.at) > LATE_MS) {
      await remove('unanswered', sent.key);
      if (ours) tell('settled', { ...sent, late: true });
      continue;
    }
    try {
      await deliver(sent);
      tell('settled', sent);
    } catch (error) {
      if (error instanceof Offline) return;
      tell('settled', { ...sent, error });
    }
  }
}

// A statement about `subject`, signed by this phone or by a passkey: the members of the body that prove it.
export async function prove(purpose, subject, members = {}, how = 'device_key') {
  const challenge = members.nonce ? members : await read(await ask('POST', '/v1/challenges', {
    body: subject ? { purpose, subject_id: subject } : { purpose },
  }));
  const statement = {
    version: 1, purpose, device_id: how === 'passkey' ? null : await load('mine', 'device_id'), nonce: challenge.nonce, ...members,
  };
  const proof = how === 'passkey' ? await proveByPasskey(statement, challenge.passkey) : await proveByKey(statement);
  return { nonce: challenge.nonce, proof };
}

export async function signIn() {
  const deviceId = await load('mine', 'device_id');
  const { nonce } = await openly('POST', '/v1/challenges', { purpose: 'sign_in', device_id: deviceId });
  const proof = await proveByKey({ version: 1, purpose: 'sign_in', device_id: deviceId, nonce });
  await keepSession((await openly('POST', '/v1/sessions', { nonce, proof })).session);
}
