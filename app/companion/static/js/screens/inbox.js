// Everything that ever happened to me here, by day; what waits for me can be done from its entry.

import { useEffect, useState } from '../../vendor/htm-preact.js';
import { events, get, post } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, Empty, html, Icon, Page, State, useSeen } from '../ui.js';

const WHERE = { key_added: '#/me/devices', contact_changed: '#/me/devices' };

export default function Inbox() {
  const newest = useSeen('/v1/inbox?limit=50');
  const [older, setOlder] = useState([]);
  const entries = [...(newest.data?.entries ?? []), ...older];
  const head = newest.data?.head?.seq;
  useEffect(() => {
    if (newest.data?.unread > 0) post('/v1/inbox/read', { up_to: head }).then(() => events.dispatchEvent(new CustomEvent('changed')), () => {});
  }, [head]);
  const more = async () => get(`/v1/inbox?limit=50&before=${entries.at(-1).seq}`);
  const days = Map.groupBy ? Map.groupBy(entries, (one) => format.dayKey(one.occurred_at)) : group(entries);
  return html`
    <${Page} title=${t('tab_inbox')}>
      <${State} of=${newest} />
      ${newest.data && entries.length === 0 && html`<${Empty}>${t('no_entries')}<//>`}
      ${[...days].map(([day, found]) => html`<section><h2 class="day">${day}</h2><ol class="entries">${found.map((entry) => html`<${Entry} key=${entry.seq} entry=${entry} reload=${newest.reload} />`)}</ol></section>`)}
      ${entries.length > 0 && entries.at(-1).seq > 1 && html`<${Do} kind="quiet" act=${more} after=${(page) => setOlder([...older, ...page.entries])}>${t('older')}<//>`}
    <//>`;
}

function group(entries) {
  const days = new Map();
  for (const entry of entries) days.set(format.dayKey(entry.occurred_at), [...(days.get(format.dayKey(entry.occurred_at)) ?? []), entry]);
  return days;
}

const Entry = ({ entry, reload }) => html`
  <li class="entry ${entry.severity} ${entry.read ? '' : 'new'}">
    <${Icon} name=${entry.severity === 'info' ? 'info' : 'alert'} />
    <div><h3>${entry.title}${!entry.read && html` <span class="tag">${t('new')}</span>`}</h3><p>${entry.body}</p>
      <p class="small">${format.clock(entry.occurred_at)}${entry.kpj ? ` · ${format.card(entry.kpj)}` : ''}</p>
      <div class="acts">
        ${entry.merge_id && html`<a class="button quiet" href="#/merges/${entry.merge_id}">${t('see_merge')}</a>`}
        ${WHERE[entry.kind] && html`<a class="button quiet" href=${WHERE[entry.kind]}>${t('not_me')}</a>`}
        ${entry.reach === 'ladder' && (entry.acknowledged ? html`<span class="small"><${Icon} name="check" />${t('acknowledged')}</span>`
          : html`<${Do} kind="quiet" act=${() => post(`/v1/inbox/${entry.seq}/acknowledge`)} after=${reload}>${t('acknowledge')}<//>`)}
      </div></div>
  </li>`;
