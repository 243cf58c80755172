// The lists behind "me": phones, passkeys, sessions, how I am reached, who looked, consents, cases.

import { useState } from '../../vendor/htm-preact.js';
import { del, patch, post, prove } from '../api.js';
import { base64url, fromBase64url, hex } from '../device.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, Empty, html, Notice, Page, State, useSeen } from '../ui.js';
import { reaches, serves } from '../works.js';

function Listed({ path, name, row, none }) {
  const seen = useSeen(path);
  const rows = seen.data?.[name] ?? [];
  return html`<${State} of=${seen} />
    ${seen.data && rows.length === 0 && html`<${Empty}>${t(none ?? 'nothing_here')}<//>`}
    <ul class="list">${rows.map((one) => html`<li class="panel">${row(one, seen.reload)}</li>`)}</ul>`;
}

function Devices() {
  const take = (id) => async () => del(`/v1/devices/${id}`, await prove('remove_key', id, { subject_id: id }));
  const answer = (id, yes) => async () => (yes
    ? post(`/v1/enrolments/${id}/approval`, await prove('add_key', id, { subject_id: id })) : post(`/v1/enrolments/${id}/refusal`));
  return html`
    ${serves('GET /v1/enrolments') && html`<${Listed} path="/v1/enrolments" name="enrolments" none="no_new_phone" row=${(one, reload) => html`
      <h2>${t('new_phone_asks')}</h2><p>${one.device_name}</p>
      <${Do} kind="danger" act=${answer(one.id, false)} after=${reload}>${t('not_me_refuse')}<//>
      <${Do} kind="quiet" act=${answer(one.id, true)} after=${reload}>${t('approve_phone')}<//>`} />`}
    <${Listed} path="/v1/devices" name="devices" row=${(one, reload) => html`
      <h2>${one.name}</h2><p class="small">${t('since', { when: format.moment(one.added_at) })}${one.current ? ` · ${t('this_phone')}` : ''}</p>
      ${one.hold_until && html`<p class="small">${t('hold', { when: format.moment(one.hold_until) })}</p>`}
      ${!one.current && html`<${Do} kind="danger" act=${take(one.device_id)} after=${reload}>${t('remove_phone')}<//>`}`} />`;
}

function Passkeys() {
  const [made, setMade] = useState(0);
  const add = async () => {
    const { nonce, options } = await post('/v1/passkeys/options');
    const credential = await navigator.credentials.create({ publicKey: {
      ...options, challenge: fromBase64url(options.challenge), user: { ...options.user, id: fromBase64url(options.user.id) },
      excludeCredentials: options.excludeCredentials.map((one) => ({ ...one, id: fromBase64url(one.id) })),
    } });
    const digest = hex(new Uint8Array(await crypto.subtle.digest('SHA-256', credential.response.getPublicKey()))).slice(0, 32);
    const subject = [digest.slice(0, 8), digest.slice(8, 12), digest.slice(12, 16), digest.slice(16, 20), digest.slice(20)].join('-');
    const proof = await prove('add_key', subject, { subject_id: subject, nonce });
    return post('/v1/passkeys', {
      name: t('browser'), nonce, proof: proof.proof,
      credential: { id: credential.id, type: credential.type, response: {
        clientDataJSON: base64url(credential.response.clientDataJSON), attestationObject: base64url(credential.response.attestationObject),
        transports: credential.response.getTransports() } },
    });
  };
  const take = (id) => async () => del(`/v1/passkeys/${id}`, await prove('remove_key', id, { subject_id: id }));
  return html`<${Notice}>${t('passkeys_say')}<//>${serves('POST /v1/passkeys') && html`<${Do} act=${add} after=${() => setMade(made + 1)}>${t('add_passkey')}<//>`}
    <${Listed} key=${made} path="/v1/passkeys" name="passkeys" row=${(one, reload) => html`<h2>${one.name}</h2>
      <p class="small">${t('since', { when: format.moment(one.added_at) })}</p><${Do} kind="danger" act=${take(one.passkey_id)} after=${reload}>${t('remove')}<//>`} />`;
}

function Sessions() {
  return html`<${Listed} path="/v1/sessions" name="sessions" row=${(one, reload) => html`
    <h2>${one.device_name}${one.current ? ` · ${t('this_phone')}` : ''}</h2><p class="small">${t('since', { when: format.moment(one.started_at) })}</p>
    ${!one.current && html`<${Do} kind="danger" act=${() => del(`/v1/sessions/${one.session_id}`)} after=${reload}>${t('end_session')}<//>`}`} />`;
}

function Notifications() {
  const seen = useSeen('/v1/me');
  const [quiet, setQuiet] = useState(null);
  const hours = quiet ?? seen.data?.quiet_hours ?? { from: '21:00', to: '06:00' };
  const set = (body) => async () => { await patch('/v1/me/preferences', body); seen.reload(); };
  return html`<${State} of=${seen} /><${Notice}>${t('never_off')}<//>
    ${seen.data && Object.entries(seen.data.channels).map(([kind, channels]) => html`<fieldset class="panel"><legend>${t(`class_${kind}`)}</legend>
      ${Object.entries(channels).filter(([channel]) => reaches(channel)).map(([channel, on]) => html`<label class="switch"><input type="checkbox" role="switch" checked=${on}
        onChange=${(event) => set({ channels: { [kind]: { [channel]: event.target.checked } } })()} />${t(`channel_${channel}`)}</label>`)}</fieldset>`)}
    ${seen.data && html`<fieldset class="panel"><legend>${t('quiet_hours')}</legend>
      <label>${t('from')}<input type="time" value=${hours.from} onInput=${(event) => setQuiet({ ...hours, from: event.target.value })} /></label>
      <label>${t('to')}<input type="time" value=${hours.to} onInput=${(event) => setQuiet({ ...hours, to: event.target.value })} /></label>
      <${Do} kind="quiet" act=${set({ quiet_hours: hours })}>${t('keep')}<//>
      ${seen.data.quiet_hours && html`<${Do} kind="quiet" act=${set({ quiet_hours: null })}>${t('no_quiet_hours')}<//>`}</fieldset>`}`;
}

const Access = () => html`<${Notice}>${t('access_says')}<//><${Listed} path="/v1/me/access-log" name="looks" none="nobody_looked" row=${(one) => html`
  <h2>${t(`look_${one.what}`)}</h2><p>${one.purpose}</p><p class="small">${one.who} · ${one.role} · ${format.moment(one.at)}</p>`} />`;

const Consents = () => html`<${Listed} path="/v1/me/consents" name="consents" row=${(one, reload) => html`<p>${one.text}</p>
  <p class="small">${t(`consent_is_${one.state}`)}</p>
  ${one.withdraw && html`<${Do} kind="quiet" act=${() => post(one.withdraw.split(' ')[1])} after=${reload}>${t('withdraw')}<//>`}
  ${!one.withdraw && one.state === 'withdrawn' && html`<${Do} kind="quiet" act=${() => post(`/v1/me/consents/${one.purpose}`)} after=${reload}>${t('allow')}<//>`}`} />`;

const Cases = () => html`<${Listed} path="/v1/cases" name="cases" none="no_cases" row=${(one) => html`<h2>${t(`case_${one.kind}`)}</h2>
  <p>${one.decision ? t('case_decided', { decision: t(`decision_${one.decision}`) }) : t('case_due', { when: format.moment(one.due_at) })} ${one.reason ?? ''}</p>
  ${one.figures?.theirs !== undefined && html`<p>${t('case_figures', { ours: format.rupiah(one.figures.ours), theirs: format.rupiah(one.figures.theirs) })}</p>`}
  <p class="small">${format.moment(one.opened_at)}${one.kpj ? ` · ${format.card(one.kpj)}` : ''}</p>
  ${one.merge_id && html`<a href="#/merges/${one.merge_id}">${t('see_merge')}</a>`}`} />`;

const PARTS = { devices: Devices, passkeys: Passkeys, sessions: Sessions, notifications: Notifications, access: Access, consents: Consents, cases: Cases };

export default function Settings({ id }) {
  const Part = PARTS[id];
  return html`<${Page} title=${t(`me_${id}`)} back="#/me">${Part ? html`<${Part} />` : null}<//>`;
}
