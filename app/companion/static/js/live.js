// The stream of entries: whatever happens to the person's cards is here within a second, and each screen reads itself anew.

import { events, me, open, renew } from './api.js';

const PAUSE_MS = 3000;
let stopped = new AbortController();

export function stopLiving() {
  stopped.abort();
}

export async function live(after) {
  stopped.abort();
  const mine = stopped = new AbortController();
  let last = after;
  while (!mine.signal.aborted && me()) {
    try {
      const answer = await open('/v1/stream', last ? { 'Last-Event-ID': String(last) } : {}, mine.signal);
      if (answer.status === 401) await renew();
      else if (answer.ok) last = await follow(answer, last);
    } catch { /* no network: again after the pause */ }
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}

async function follow(answer, last) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  events.dispatchEvent(new CustomEvent('changed'));
  for (let text = ''; ;) {
    const { value, done } = await reader.read();
    if (done) return last;
    text += value.replaceAll('\r', '');
    const parts = text.split('\n\n');
    text = parts.pop();
    for (const part of parts) {
      const id = /^id: ?(\d+)$/m.exec(part);
      const name = /^event: ?(\w+)$/m.exec(part)?.[1];
      if (id) last = Number(id[1]);
      if (name === 'reauthenticate') { await renew(); return last; }
      if (id || name) events.dispatchEvent(new CustomEvent('changed', { detail: { seq: last, name } }));
    }
  }
}
