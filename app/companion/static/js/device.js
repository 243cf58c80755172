// This phone's key. It is made by WebCrypto, cannot be taken out of the browser, and signs what its owner agrees to.

import { load, save } from './store.js';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const encoder = new TextEncoder();

export function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

export function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
}

// RFC 8785. Strings and numbers are written by JSON.stringify just so; what remains is the order of the members.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

export async function sha256(text) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)));
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export async function makeKey() {
  const pair = await crypto.subtle.generateKey(CURVE, false, ['sign', 'verify']);
  await save('mine', 'key', pair.privateKey);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { kty, crv, x, y };
}

export async function proveByKey(statement) {
  const key = await load('mine', 'key');
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, encoder.encode(canonical(statement)));
  return { type: 'device_key', device_id: statement.device_id, signature: base64url(signature) };
}

// A passkey signs the SHA-256 of the statement as its challenge; `options` are the request options of the challenge.
export async function proveByPasskey(statement, options) {
  const credential = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: await sha256(canonical(statement)),
      allowCredentials: options.allowCredentials?.map((known) => ({ ...known, id: fromBase64url(known.id) })),
    },
  });
  const { authenticatorData, clientDataJSON, signature, userHandle } = credential.response;
  return {
    type: 'passkey',
    credential: {
      id: credential.id,
      type: credential.type,
      response: {
        authenticatorData: base64url(authenticatorData),
        clientDataJSON: base64url(clientDataJSON),
        signature: base64url(signature),
        ...(userHandle ? { userHandle: base64url(userHandle) } : {}),
      },
    },
  };
}
