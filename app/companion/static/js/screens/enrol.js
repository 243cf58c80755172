// The way in: who I am, a code by SMS, and this phone has a key.

import { useEffect, useState } from '../../vendor/htm-preact.js';
import { events, keepSession, openly, put, signIn } from '../api.js';
import { makeKey } from '../device.js';
import { forget, load, save } from '../store.js';
import { language, speak, t } from '../words.js';
import { Do, html, Icon, Notice, Page } from '../ui.js';

export default function Enrol({ works }) {
  const [known, setKnown] = useState(null);
  const [asked, setAsked] = useState(null);
  const [who, setWho] = useState(() => JSON.parse(sessionStorage.getItem('demo') ?? '{"nik":"","kpj":"","birth_date":""}'));
  useEffect(() => { load('mine', 'device_id').then(setKnown); load('mine', 'enrolment').then((old) => setAsked(old ?? null)); }, []);

  const change = (name) => (event) => setWho({ ...who, [name]: event.target.value.replace(/\s/g, '') });
  const ask = async () => {
    await forget(); // whoever was here before has no key any more: what they saw and sent is nobody else's
    const device = { name: deviceName(), platform: 'web', public_key: await makeKey() };
    const answer = await openly('POST', '/v1/enrolments', { ...who, device });
    await save('mine', 'enrolment', answer);
    return answer;
  };
  const choose = (person) => {
    const chosen = { nik: person.nik, kpj: person.kpjs[0], birth_date: person.born };
    sessionStorage.setItem('demo', JSON.stringify(chosen));
    localStorage.setItem('demo', JSON.stringify(person)); // whose phone the page of the phone shows
    setWho(chosen);
    scrollTo(0, 0);
  };
  const welcome = async () => {
    sessionStorage.removeItem('demo');
    events.dispatchEvent(new CustomEvent('signed-in'));
    location.hash = '#/cards';
  };
  if (asked) return html`<${Code} enrolment=${asked} works=${works} onBack=${() => { save('mine', 'enrolment', null); setAsked(null); }} onDone=${welcome} />`;
  return html`
    <${Page} title=${t('welcome')} aside=${html`<${Language} />`}>
      <p class="lead">${t('promise')}</p>
      <ul class="promises">${['promise_1', 'promise_2', 'promise_3'].map((one) => html`<li><${Icon} name="check" />${t(one)}</li>`)}</ul>
      ${known && html`<section class="panel"><h2>${t('known_phone')}</h2>
        <${Do} act=${signIn} after=${welcome}>${t('sign_in')}<//></section>`}
      <form class="panel" onSubmit=${(event) => event.preventDefault()}>
        <h2>${t('who_are_you')}</h2>
        <label>${t('nik')}<input inputmode="numeric" autocomplete="off" maxlength="16" value=${who.nik} onInput=${change('nik')} /></label>
        <label>${t('kpj')}<input autocomplete="off" autocapitalize="characters" maxlength="15" value=${who.kpj} onInput=${change('kpj')} /><small>${t('kpj_any')}</small></label>
        <label>${t('birth_date')}<input type="date" min="1900-01-01" value=${who.birth_date} onInput=${change('birth_date')} /></label>
        <${Do} act=${ask} after=${setAsked} disabled=${who.nik.length !== 16 || who.kpj.length < 10 || !who.birth_date}>${t('send_code')}<//>
      </form>
      ${works?.simulator && html`<${Demo} simulator=${works.simulator} onChoose=${choose} />`}
    <//>`;
}

const Language = () => html`<div class="language" role="group" aria-label="Bahasa / Language">
  ${['id', 'en'].map((one) => html`<button aria-pressed=${language() === one} lang=${one} onClick=${() => speak(one).then(() => events.dispatchEvent(new CustomEvent('spoken')))}>${one === 'id' ? 'Indonesia' : 'English'}</button>`)}
</div>`;

function Code({ enrolment, works, onBack, onDone }) {
  const [otp, setOtp] = useState('');
  const verify = async () => {
    const { device_id: deviceId, session } = await openly('POST', `/v1/enrolments/${enrolment.enrolment_id}/verification`, { otp });
    await save('mine', 'device_id', deviceId);
    await save('mine', 'enrolment', null);
    await keepSession(session);
    if (works?.simulator) { // local: this browser gets pushes of its own, shown on the page of the phone
      const value = `web-${crypto.randomUUID()}`;
      await save('mine', 'push', value);
      await put('/v1/push-target', { kind: 'token', value, platform: 'web', locale: language() }).catch(() => {});
    }
  };
  return html`
    <${Page} title=${t('code_title')}>
      <p>${t('code_sent')}</p>
      <form class="panel" onSubmit=${(event) => event.preventDefault()}>
        <label>${t('code')}<input class="code" inputmode="numeric" autocomplete="one-time-code" maxlength="8" value=${otp} onInput=${(event) => setOtp(event.target.value.replace(/\D/g, ''))} /></label>
        <${Do} act=${verify} after=${onDone} disabled=${otp.length !== 8}>${t('verify')}<//>
        <button class="button quiet" onClick=${onBack}>${t('start_again')}</button>
      </form>
      <${Notice}>${t('code_asks_phone')}<//>
      ${works?.simulator && html`<p><a href="#/phone">${t('local_see_sms')}</a></p>`}
    <//>`;
}

function Demo({ simulator, onChoose }) {
  const [people, setPeople] = useState([]);
  useEffect(() => { fetch(`${simulator}/people`).then((answer) => answer.json()).then(setPeople, () => {}); }, []);
  return html`
    <section class="panel demo"><h2>${t('demo_people')}</h2><p>${t('demo_invented')}</p>
      <ul class="list">${people.map((one) => html`<li><button class="item" onClick=${() => onChoose(one)}>
        <strong>${one.name}</strong><span>${one.story}</span></button></li>`)}</ul>
    </section>`;
}

function deviceName() {
  const system = /Android|iPhone|iPad|Windows|Mac|Linux/.exec(navigator.userAgent)?.[0] ?? 'Web';
  return `${t('browser')} (${system})`;
}
