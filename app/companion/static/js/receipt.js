// A receipt is checked here as anybody can check it: by the published keys, the plan's digest, and the key of the phone.

import { openly } from './api.js';
import { canonical, fromBase64url, hex, sha256, base64url } from './device.js';

const TYPE = 'sepakat-receipt';
const decode = (text) => new TextDecoder().decode(fromBase64url(text));
const encode = (text) => new TextEncoder().encode(text);

export const open = (signed) => JSON.parse(decode(signed.payload));

// [{what, holds}]: `agency` signed it, the `plan` of each act has its digest, and the statement names it and was signed by my `phone`.
export async function check(signed) {
  const { keys } = await openly('GET', '/.well-known/jwks.json');
  const found = [{ what: 'agency', holds: await isSignedByAgency(signed, keys) }];
  for (const act of open(signed).acts) {
    found.push({ what: 'plan', holds: hex(await sha256(canonical(act.plan))) === act.plan_digest });
    if (act.proof?.type === 'device_key') found.push({ what: 'phone', holds: await isSignedByPhone(act) });
  }
  return found;
}

// A key is known by its thumbprint (RFC 7638), never by what a set of keys says of it.
async function isSignedByAgency(signed, keys) {
  const { alg, kid, typ } = JSON.parse(decode(signed.protected));
  if (alg !== 'EdDSA' || typ !== TYPE) return false;
  for (const { kty, crv, x } of keys) {
    if (crv === 'Ed25519' && base64url(await sha256(canonical({ crv, kty, x }))) === kid) {
      const key = await crypto.subtle.importKey('jwk', { kty, crv, x }, 'Ed25519', false, ['verify']);
      return crypto.subtle.verify('Ed25519', key, fromBase64url(signed.signature), encode(`${signed.protected}.${signed.payload}`));
    }
  }
  return false;
}

async function isSignedByPhone(act) {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('jwk', act.public_key, curve, false, ['verify']);
  const holds = await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, fromBase64url(act.proof.signature), encode(act.statement));
  return holds && JSON.parse(act.statement).plan_digest === act.plan_digest;
}
