// STOP froze the cards: what that means, and how the freeze is lifted.

import { useState } from '../../vendor/htm-preact.js';
import { post, prove } from '../api.js';
import { t } from '../words.js';
import { Do, html, Notice, useSeen } from '../ui.js';

export function Frozen({ reload }) {
  const me = useSeen('/v1/me').data;
  const [code, setCode] = useState('');
  const lift = async () => post('/v1/cards/unfreeze', {
    ...await prove('unlock', me.participant_id, { subject_id: me.participant_id }), ...(code ? { branch_code: code } : {}),
  });
  return html`
    <section class="panel frozen"><h2>${t('unfreeze_title')}</h2>
      <p>${t('frozen_says')}</p><${Notice}>${t('unfreeze_hold')}<//>
      <details><summary>${t('have_branch_code')}</summary><p>${t('branch_code_says')}</p>
        <label>${t('branch_code')}<input autocomplete="off" autocapitalize="characters" maxlength="20" value=${code} onInput=${(event) => setCode(event.target.value.trim())} /></label></details>
      <${Do} disabled=${!me} act=${lift} after=${reload}>${t('unfreeze')}<//></section>`;
}

// What the link at the end of each message does; it works without this app and without signing in.
export const Stop = () => html`
  <details class="panel"><summary>${t('stop_title')}</summary><p>${t('stop_says')}</p>
    <ul class="ways"><li>${t('stop_does_1')}</li><li>${t('stop_does_2')}</li><li>${t('stop_does_3')}</li></ul><p>${t('stop_after')}</p></details>`;
