// "This was not me", "I did not agree", "this is not right": where each entry of the inbox leads who says so.

import { serves } from '../works.js';

const KEYS = ['key_asked', 'key_added', 'key_approved', 'key_renamed', 'key_removed', 'key_refused', 'branch_code_issued', 'branch_code_used'];
const CONTACTS = ['contact_change_asked', 'contact_changed', 'phone_ported'];
const SESSIONS = ['session_ended_for_reuse', 'support_code_made'];
const CARDS = ['card_locked', 'card_unlocked', 'card_frozen', 'card_unfrozen', 'stopped'];
const MATCHES = ['possible_match_found', 'possible_match_not_mine', 'possible_match_claimed', 'possible_match_refused'];
const CASES = ['merge_disputed', 'case_overdue', 'correction_asked', 'correction_decided', 'balance_differs', 'balance_case_decided', 'unreached_case_opened'];
// What I did myself on a phone of mine: if it was not me, somebody has that phone.
const MINE = ['preferences_changed', 'consent_given', 'consent_withdrawn', 'merge_never_suggested', 'document_received'];

// `{to, says}`, or nothing for an entry that there is nothing to object to. `cards`: mine, to find the one an entry is about.
export function wayOut(entry, cards) {
  const card = cards.find((one) => one.kpj === entry.kpj);
  const found = [
    [entry.announcement_id, null],
    [entry.merge_id, { to: `#/merges/${entry.merge_id}`, says: 'not_agreed_ask' }],
    [KEYS.includes(entry.kind), { to: '#/me/devices', says: 'not_me' }],
    [CONTACTS.includes(entry.kind), { to: '#/me/contact', says: 'not_me' }],
    [SESSIONS.includes(entry.kind), { to: '#/me/sessions', says: 'not_me' }],
    [MINE.includes(entry.kind), { to: '#/me/devices', says: 'not_me' }],
    [entry.kind === 'looked_at', { to: '#/me/access', says: 'who_looked' }],
    [MATCHES.includes(entry.kind), { to: '#/me/matches', says: 'look_there' }],
    [CASES.includes(entry.kind), { to: '#/me/cases', says: 'look_there' }],
    [CARDS.includes(entry.kind) && card, { to: `#/cards/${card?.card_id}`, says: 'not_me' }],
    [serves('POST /v1/me/corrections'), { to: `#/me/corrections/${entry.seq}`, says: 'not_right' }],
  ].find(([fits]) => fits);
  return found?.[1] ?? null;
}
