// A code to read out to the agency's staff. Whoever hears it first may look at my cards for 15 minutes, and I am told of each look.

import { useState } from '../../vendor/htm-preact.js';
import { post } from '../api.js';
import { t } from '../words.js';
import { Countdown, Do, html, Notice, Page } from '../ui.js';

const LASTS_MS = 15 * 60 * 1000;

export default function Support() {
  const [made, setMade] = useState(null);
  return html`
    <${Page} title=${t('me_support')} back="#/me">
      <${Notice}>${t('support_says')}<//>
      ${made && html`<section class="panel waiting-for"><h2>${t('support_code')}</h2><p class="spoken">${made.code}</p>
        <${Countdown} end=${Date.parse(made.expires_at)} total=${LASTS_MS} label=${t('support_left')} over=${() => setMade(null)} /></section>`}
      <${Do} kind=${made ? 'quiet' : 'primary'} act=${() => post('/v1/support-codes')} after=${setMade}>${t(made ? 'support_again' : 'support_make')}<//>
      <p class="small">${t('support_never')} <a href="#/me/access">${t('me_access')}</a></p>
    <//>`;
}
