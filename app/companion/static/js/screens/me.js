// Who I am here, how I am reached, who is signed in, who looked, and my data.

import { blob, del, events, patch } from '../api.js';
import { forget } from '../store.js';
import * as format from '../format.js';
import { language, speak, t } from '../words.js';
import { Do, html, Icon, Notice, Page, Row, State, useSeen } from '../ui.js';
import { proves, serves } from '../works.js';
import { Stop } from './frozen.js';

const MORE = [
  ['contact', 'PUT /v1/me/contact'], ['corrections', 'POST /v1/me/corrections'], ['matches', 'GET /v1/possible-matches'], ['devices', 'GET /v1/devices'], ['passkeys', 'GET /v1/passkeys', 'passkey'], ['sessions', 'GET /v1/sessions'], ['notifications', 'PATCH /v1/me/preferences'],
  ['access', 'GET /v1/me/access-log'], ['consents', 'GET /v1/me/consents'], ['cases', 'GET /v1/cases'],
  ['support', 'POST /v1/support-codes'],
];
const there = () => MORE.filter(([, route, how]) => serves(route) && (!how || proves(how)));

export default function Me() {
  const seen = useSeen('/v1/me');
  const person = seen.data;
  const speakNow = async (locale) => {
    await speak(locale);
    events.dispatchEvent(new CustomEvent('spoken'));
    await patch('/v1/me/preferences', { locale });
    seen.reload();
  };
  const leave = async () => {
    await del('/v1/sessions/current').catch(() => {});
    await forget();
    events.dispatchEvent(new CustomEvent('signed-out'));
    location.hash = '';
    location.reload();
  };
  return html`
    <${Page} title=${t('tab_me')}>
      <${State} of=${seen} />
      ${person && html`
        <section class="panel"><h2>${person.name}</h2><dl>
          <${Row} name=${t('nik_short')}>${person.nik}<//><${Row} name=${t('phone_number')}>${person.phone ?? '–'}<//><${Row} name=${t('email')}>${person.email ?? '–'}<//></dl></section>
        ${person.hold && html`<${Notice} kind="warning">${t('hold', { when: format.moment(person.hold.until) })}<//>`}
        <section class="panel"><h2>${t('language')}</h2><div class="language">${['id', 'en'].map((one) => html`
          <button aria-pressed=${language() === one} lang=${one} onClick=${() => speakNow(one)}>${one === 'id' ? 'Indonesia' : 'English'}</button>`)}</div></section>
        <ul class="list">${there().map(([one]) => html`<li><a class="item" href="#/me/${one}"><strong>${t(`me_${one}`)}</strong><${Icon} name="go" /></a></li>`)}</ul>
        <${Stop} />
        ${serves('GET /v1/me/export') && html`<section class="panel"><h2>${t('my_data')}</h2><p>${t('my_data_says')}</p>
          <${Do} kind="quiet" act=${save}>${t('export')}<//></section>`}
        <${Do} kind="quiet" act=${leave}>${t('sign_out')}<//>`}
    <//>`;
}

async function save() {
  const address = URL.createObjectURL(await blob('/v1/me/export', 'application/json'));
  Object.assign(document.createElement('a'), { href: address, download: 'sepakat.json' }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
