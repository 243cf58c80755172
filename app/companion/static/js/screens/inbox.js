// Everything that ever happened to me here, by day; what waits for me, or was not me, can be done from its entry.

import { useEffect, useRef, useState } from '../../vendor/htm-preact.js';
import { Explanations, Replaced } from '../announcement.js';
import { events, get, post } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, Empty, html, Icon, Page, State, useSeen } from '../ui.js';
import { serves } from '../works.js';
import { wayOut } from './ways.js';

export default function Inbox() {
  const cards = useSeen('/v1/cards').data?.cards ?? [];
  const [only, setOnly] = useState('');
  const path = only ? `/v1/cards/${only}/history?limit=50` : '/v1/inbox?limit=50';
  return html`
    <${Page} title=${t('tab_inbox')}>
      ${cards.length > 1 && serves('GET /v1/cards/{card_id}/history') && html`<label class="filter">${t('filter_card')}
        <select value=${only} onChange=${(event) => setOnly(event.target.value)}><option value="">${t('all_cards')}</option>
          ${cards.map((card) => html`<option value=${card.card_id}>${format.card(card.kpj)}${card.employer ? ` · ${card.employer.name}` : ''}</option>`)}</select></label>`}
      <${Entries} key=${path} path=${path} cards=${cards} />
    <//>`;
}

// All entries that were read so far, newest first: new ones come on top, older ones below, none is read twice or lost between.
// What is being read stays where it is: entries keep their elements, and the browser anchors the scroll to them.
function useEntries(path) {
  const newest = useSeen(path);
  const [kept, setKept] = useState(new Map());
  const [end, setEnd] = useState(null);
  const keep = (entries) => setKept((old) => new Map([...old, ...entries.map((one) => [one.seq, one])]));
  useEffect(() => { if (newest.data) keep(newest.data.entries); }, [newest.data]);
  const next = end ?? newest.data?.next_cursor ?? '';
  const more = async () => {
    const page = await get(`${path}&${path.startsWith('/v1/inbox') ? 'before' : 'cursor'}=${next}`);
    keep(page.entries);
    setEnd(page.next_cursor ?? '');
  };
  return { newest, entries: [...kept.values()].sort((a, b) => b.seq - a.seq), more: next ? more : null };
}

function Entries({ path, cards }) {
  const { newest, entries, more } = useEntries(path);
  const head = newest.data?.head?.seq;
  const unread = useRef(new Set());
  for (const one of entries) if (!one.read) unread.current.add(one.seq); // stays marked for as long as I am here
  useEffect(() => {
    if (newest.data?.unread > 0) post('/v1/inbox/read', { up_to: head }).then(() => events.dispatchEvent(new CustomEvent('changed')), () => {});
  }, [head]);
  return html`
    <${State} of=${newest} />
    ${newest.data && entries.length === 0 && html`<${Empty}>${t('no_entries')}<//>`}
    ${byDay(entries).map(([day, found]) => html`<section key=${day}><h2 class="day">${day}</h2><ol class="entries">${found.map((entry) => html`
      <${Entry} key=${entry.seq} entry=${entry} cards=${cards} fresh=${unread.current.has(entry.seq)} reload=${newest.reload} />`)}</ol></section>`)}
    ${more && html`<${Do} kind="quiet" act=${more}>${t('older')}<//>`}`;
}

function byDay(entries) {
  const days = new Map();
  for (const entry of entries) {
    const day = format.dayKey(entry.occurred_at);
    days.set(day, [...(days.get(day) ?? []), entry]);
  }
  return [...days];
}

function Entry({ entry, cards, fresh, reload }) {
  const out = wayOut(entry, cards);
  return html`
    <li class="entry ${entry.severity} ${fresh ? 'new' : ''}">
      <${Icon} name=${entry.announcement_id ? 'horn' : entry.severity === 'info' ? 'info' : 'alert'} />
      <div><h3>${entry.title}${fresh && html` <span class="tag">${t('new')}</span>`}</h3><p>${entry.body}</p>
        <p class="small">${format.clock(entry.occurred_at)}${entry.kpj ? ` · ${format.card(entry.kpj)}` : ''}</p>
        ${entry.announcement_id && html`<${Replaced} id=${entry.announcement_id} />`}
        <${Explanations} ids=${entry.explained_by} />
        <div class="acts">
          ${entry.reach === 'ladder' && (entry.acknowledged ? html`<span class="small"><${Icon} name="check" />${t('acknowledged')}</span>`
            : html`<${Do} kind="quiet" act=${() => post(`/v1/inbox/${entry.seq}/acknowledge`)} after=${reload}>${t('acknowledge')}<//>`)}
          ${entry.merge_id && html`<a class="button quiet" href="#/merges/${entry.merge_id}">${t('see_merge')}</a>`}
          ${out && html`<a class="out" href=${out.to}>${t(out.says)}</a>`}
        </div></div>
    </li>`;
}
