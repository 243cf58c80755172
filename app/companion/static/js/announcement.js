// What the agency said officially, beside what it explains. Each is read once, however many entries it explains.

import { useEffect, useState } from '../vendor/htm-preact.js';
import { get } from './api.js';
import * as format from './format.js';
import { load, save } from './store.js';
import { language, t } from './words.js';
import { html, Icon } from './ui.js';
import { serves } from './works.js';

const asked = new Map();

async function read(path) {
  try {
    const data = await get(path);
    await save('seen', path, { data, at: Date.now() });
    return data;
  } catch {
    asked.delete(`${language()} ${path}`);
    return (await load('seen', path))?.data ?? null;
  }
}

export function useAnnouncement(id) {
  const [said, setSaid] = useState(null);
  const spoken = language();
  useEffect(() => {
    if (!id || !serves('GET /v1/announcements/{announcement_id}')) return;
    const key = `${spoken} /v1/announcements/${id}`;
    if (!asked.has(key)) asked.set(key, read(`/v1/announcements/${id}`));
    asked.get(key).then(setSaid);
  }, [id, spoken]);
  return said;
}

export const Explanations = ({ ids }) => (ids ?? []).map((id) => html`<${Explanation} key=${id} id=${id} />`);

function Explanation({ id }) {
  const said = useAnnouncement(id);
  return said && html`
    <details class="explains explains-${said.severity}"><summary><${Icon} name="horn" />${t('explained_by', { title: said.title })}</summary>
      <p>${said.body}</p><p class="small">${t('announced_at', { when: format.moment(said.published_at) })}</p></details>`;
}

// Under an announcement's own entry: that a later one holds now.
export function Replaced({ id }) {
  const said = useAnnouncement(id);
  const later = useAnnouncement(said?.replaced_by);
  return later && html`<p class="small"><${Icon} name="info" />${t('replaced_by', { title: later.title })}</p>`;
}
