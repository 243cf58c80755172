// A mobile client in 100 lines: enrol, look, agree to a merge. Node 20 or newer; `make run` elsewhere.
//   node flow.mjs [NIK CARD BIRTH_DATE]

const API = process.env.SEPAKAT_URL ?? 'http://localhost:8000';
const SIMULATOR = process.env.SIMULATOR_URL ?? 'http://localhost:8100';
const [nik, kpj, born] = process.argv.length > 4 ? process.argv.slice(2) : ['3174014209890000', '99000000021', '1989-09-02'];
const { subtle } = globalThis.crypto;
let token = '';

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

async function ask(method, path, body) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (method === 'POST') headers['Idempotency-Key'] = crypto.randomUUID();
  const answer = await fetch(API + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// What a person reads off the SMS; here the simulator is asked.
async function codes() {
  const lines = (await (await fetch(`${SIMULATOR}/messages`)).text()).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return lines.filter((line) => line.channel === 'sms').flatMap((line) => line.text.match(/\b\d{8}\b/g) ?? []);
}

async function readCode(seen) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await codes();
    if (found.length > seen) return found.at(-1);
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('no SMS came');
}

// RFC 8785 for these statements: members in order, no spaces.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

// 1. A key that cannot be taken out. WebCrypto's ECDSA signature is raw r‖s, just as it is wanted.
const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
const { kty, crv, x, y } = await subtle.exportKey('jwk', pair.publicKey);

async function sign(statement) {
  const bytes = new TextEncoder().encode(canonical(statement));
  const signature = base64url(await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, bytes));
  return { type: 'device_key', device_id: statement.device_id, signature };
}

// 2. Enrol: who I am, and the code that came by SMS to the phone on file.
const seen = (await codes()).length;
const device = { name: 'flow.mjs', platform: 'android', public_key: { kty, crv, x, y } };
const enrolment = await ask('POST', '/v1/enrolments', { nik, kpj, birth_date: born, device });
const verified = await ask('POST', `/v1/enrolments/${enrolment.enrolment_id}/verification`, { otp: await readCode(seen) });
token = verified.session.access_token;

// 3. Everything I have.
for (const card of (await ask('GET', '/v1/cards')).cards) console.log(card.kpj, card.status, card.balance);

// 4. A merge: looking at its plan changes nothing.
const option = (await ask('GET', '/v1/merges/options')).options.find((one) => one.allowed);
if (!option) throw new Error('there is nothing to merge');
const merge = await ask('POST', '/v1/merges', { absorb: option.absorb, into: option.into });
for (const { severity, text } of merge.plan.texts) console.log(`  [${severity}] ${text}`);

// 5. Agree to exactly this plan: its digest, every warning, and a nonce go into what is signed.
const { nonce } = await ask('POST', '/v1/challenges', { purpose: 'merge', subject_id: merge.id });
const agreed = { plan_digest: merge.plan_digest, acknowledged: [...merge.plan.to_acknowledge].sort(), nonce };
const statement = { version: 1, purpose: 'merge', device_id: verified.device_id, merge_id: merge.id, ...agreed };
const confirmed = await ask('POST', `/v1/merges/${merge.id}/confirmation`, { ...agreed, proof: await sign(statement) });
console.log(confirmed.state, 'executes at', confirmed.executes_at);

// 6. Until then it can be cancelled.
console.log((await ask('POST', `/v1/merges/${merge.id}/cancel`, {})).state);
