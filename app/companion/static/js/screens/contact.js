// Where messages reach me: a change is proved by this phone, and by a code that goes to the new number or address.

import { useEffect, useState } from '../../vendor/htm-preact.js';
import { post, prove, put } from '../api.js';
import * as format from '../format.js';
import { load, save } from '../store.js';
import { t } from '../words.js';
import { Do, html, Notice, Page, Row, State, useSeen } from '../ui.js';

const remember = (asked) => save('mine', 'contact_asked', asked);

export default function Contact() {
  const seen = useSeen('/v1/me');
  const [asked, setAsked] = useState(null);
  const [done, setDone] = useState(null);
  useEffect(() => { load('mine', 'contact_asked').then((old) => old && Date.parse(old.expires_at) > Date.now() && setAsked(old)); }, []);
  const wait = (answer) => { remember(answer); setAsked(answer); };
  const verified = (applied) => {
    setDone(applied);
    const rest = { ...asked, [applied.contact]: null };
    wait(rest.phone || rest.email ? rest : null);
    seen.reload();
  };
  return html`
    <${Page} title=${t('me_contact')} back="#/me">
      <${Notice}>${t('contact_says')}<//>
      <${State} of=${seen} />
      ${done && html`<${Notice} kind="good">${t('contact_done', { value: done.value, when: format.moment(done.hold_until) })}<//>`}
      ${seen.data && html`<section class="panel"><h2>${t('contact_now')}</h2><dl>
        <${Row} name=${t('phone_number')}>${seen.data.phone ?? '–'}<//><${Row} name=${t('email')}>${seen.data.email ?? '–'}<//></dl></section>
        ${asked ? html`<${Code} asked=${asked} onDone=${verified} onBack=${() => wait(null)} />`
          : html`<${Change} me=${seen.data} onAsked=${(answer) => { setDone(null); wait(answer); }} />`}`}
    <//>`;
}

function Change({ me, onAsked }) {
  const [phone, setPhone] = useState('');
  const [email, setEmail] = useState('');
  const ask = async () => put('/v1/me/contact', {
    ...(phone ? { phone } : {}), ...(email ? { email } : {}),
    ...await prove('change_contact', me.participant_id, { subject_id: me.participant_id }),
  });
  return html`
    <form class="panel" onSubmit=${(event) => event.preventDefault()}><h2>${t('contact_change')}</h2>
      ${me.hold && html`<${Notice} kind="warning">${t('hold', { when: format.moment(me.hold.until) })}<//>`}
      <label>${t('new_phone')}<input type="tel" autocomplete="tel" maxlength="30" placeholder="0812…" value=${phone} onInput=${(event) => setPhone(event.target.value.trim())} /></label>
      <label>${t('new_email')}<input type="email" autocomplete="email" maxlength="254" value=${email} onInput=${(event) => setEmail(event.target.value.trim())} /></label>
      <p class="small">${t('contact_then')}</p>
      <${Do} disabled=${!phone && !email} act=${ask} after=${onAsked}>${t('contact_send')}<//></form>`;
}

function Code({ asked, onDone, onBack }) {
  const [otp, setOtp] = useState('');
  const verify = async () => {
    const applied = await post('/v1/me/contact/verification', { otp });
    setOtp('');
    return applied;
  };
  return html`
    <form class="panel" onSubmit=${(event) => event.preventDefault()}><h2>${t('code_title')}</h2>
      <p>${t('contact_code_sent', { to: [asked.phone, asked.email].filter(Boolean).join(', '), when: format.clock(asked.expires_at) })}</p>
      <label>${t('code')}<input class="code" inputmode="numeric" autocomplete="one-time-code" maxlength="8" value=${otp} onInput=${(event) => setOtp(event.target.value.replace(/\D/g, ''))} /></label>
      <${Do} disabled=${otp.length !== 8} act=${verify} after=${onDone}>${t('verify')}<//>
      <button class="button quiet" onClick=${onBack}>${t('start_again')}</button></form>`;
}
