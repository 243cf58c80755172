// What this installation serves. A screen shows nothing else, so that no menu leads nowhere.

import { openly } from './api.js';
import { load, save } from './store.js';

const PATH = '/v1/capabilities';
const NOTHING = { routes: [], proofs: ['device_key'], channels: [], push_targets: [], merge_undo: false };
let works = NOTHING;

// What was known when the app was open last, at once.
export async function recall() {
  works = (await load('seen', PATH))?.data ?? NOTHING;
  return works;
}

// What holds now; without a network what was known last, marked `offline`.
export async function learn() {
  try {
    works = await openly('GET', PATH);
    await save('seen', PATH, { data: works, at: Date.now() });
    return works;
  } catch {
    return { ...works, offline: true };
  }
}

export const serves = (...routes) => routes.every((route) => works.routes.includes(route));
export const proves = (how) => works.proofs.includes(how);
export const undoes = () => works.merge_undo && serves('POST /v1/merges/{merge_id}/undo');
export const reaches = (channel) => works.channels.includes(channel === 'email' ? 'mail' : channel);
