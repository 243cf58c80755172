// The shell: who is here, which screen, and what hangs at the edges.

import { html, render, useEffect, useState } from '../vendor/htm-preact.js';
import { events, get, restore, settle } from './api.js';
import { moment } from './format.js';
import { Icon, Notice } from './ui.js';
import { t } from './words.js';
import { learn, recall, serves } from './works.js';

const SCREENS = [
  [/^#\/cards$/, () => import('./screens/cards.js')],
  [/^#\/cards\/([\w-]+)$/, () => import('./screens/card.js')],
  [/^#\/merges$/, () => import('./screens/merges.js')],
  [/^#\/merges\/([\w-]+)$/, () => import('./screens/merge.js')],
  [/^#\/merges\/([\w-]+)\/receipt$/, () => import('./screens/receipt.js')],
  [/^#\/inbox$/, () => import('./screens/inbox.js')],
  [/^#\/me$/, () => import('./screens/me.js')],
  [/^#\/me\/contact$/, () => import('./screens/contact.js')],
  [/^#\/me\/corrections(?:\/(\d+))?$/, () => import('./screens/corrections.js')],
  [/^#\/me\/matches$/, () => import('./screens/matches.js')],
  [/^#\/me\/support$/, () => import('./screens/support.js')],
  [/^#\/me\/(\w+)$/, () => import('./screens/settings.js')],
  [/^#\/phone$/, () => import('./screens/phone.js')],
];
const TABS = [['cards', '#/cards', 'GET /v1/cards'], ['merge', '#/merges', 'GET /v1/merges'], ['inbox', '#/inbox', 'GET /v1/inbox'], ['me', '#/me', 'GET /v1/me']];
const PHONE = ['phone', '#/phone']; // local mode: what reached the phone of whoever sits here

function useScreen(here, signedIn) {
  const [screen, setScreen] = useState(null);
  useEffect(() => {
    let current = true;
    const found = SCREENS.map(([form, open]) => [form.exec(here), open]).find(([fit]) => fit);
    const open = !signedIn && here !== '#/phone' ? () => import('./screens/enrol.js') : found?.[1];
    if (!open) { location.replace('#/cards'); return undefined; }
    open().then(({ default: Screen }) => current && setScreen({ Screen, id: found?.[0]?.[1] }));
    return () => { current = false; };
  }, [here, signedIn]);
  return screen;
}

function App({ first, known }) {
  const [here, setHere] = useState(location.hash);
  const [signedIn, setSignedIn] = useState(first !== null);
  const [works, setWorks] = useState(known);
  const [unread, setUnread] = useState(0);
  const [settled, setSettled] = useState(null);
  const [, setSpoken] = useState(0);
  const screen = useScreen(here, signedIn);

  useEffect(() => {
    addEventListener('hashchange', () => setHere(location.hash));
    events.addEventListener('signed-in', () => setSignedIn(true));
    events.addEventListener('signed-out', () => setSignedIn(false));
    events.addEventListener('spoken', () => setSpoken((count) => count + 1));
    events.addEventListener('settled', ({ detail }) => setSettled(detail));
    const look = () => learn().then(setWorks);
    addEventListener('online', () => { look(); settle(); });
    look();
  }, []);
  useEffect(() => {
    if (!signedIn) return undefined;
    const stream = import('./live.js');
    const count = async () => {
      const { unread: more, head } = await get('/v1/inbox?limit=1').catch(() => ({}));
      if (more !== undefined) setUnread(more);
      return head?.seq;
    };
    settle().then(count).then(async (seq) => (await stream).live(seq));
    events.addEventListener('changed', count);
    return () => { events.removeEventListener('changed', count); stream.then(({ stopLiving }) => stopLiving()); };
  }, [signedIn]);

  const tabs = [...(signedIn ? TABS.filter(([, , route]) => serves(route)) : []), ...(works?.simulator ? [PHONE] : [])];
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>${t('skip')}</a>
    <div class="app">
      ${works?.offline && html`<${Notice} kind="warning">${t('offline')}<//>`}
      ${works?.merges_paused && html`<${Notice} kind="warning">${t('paused', { reason: works.merges_paused.reason })}<//>`}
      ${settled && html`<${Notice} kind=${settled.error || settled.late ? 'warning' : 'good'}>
        ${settled.late ? t('settled_late', { when: moment(settled.at) }) : settled.error ? t('settled_not', { why: settled.error.message }) : t('settled')}
        <button class="link" onClick=${() => setSettled(null)}>${t('understood')}</button><//>`}
      ${screen && html`<${screen.Screen} key=${here} id=${screen.id} works=${works} />`}
    </div>
    <${Tabs} tabs=${tabs} here=${here} unread=${unread} />`;
}

// At the lower edge of a phone, at the side of a desk.
const Tabs = ({ tabs, here, unread }) => tabs.length > 0 && html`
  <nav class="tabs" aria-label=${t('menu')}>${tabs.map(([name, to]) => html`
    <a href=${to} aria-current=${here === to || here.startsWith(`${to}/`) ? 'page' : null}><${Icon} name=${name} />${t(`tab_${name}`)}
      ${name === 'inbox' && unread > 0 && html`<span class="count">${unread}<span class="sr"> ${t('unread')}</span></span>`}</a>`)}
  </nav>`;

Promise.all([restore(), recall()]).then(([session, known]) => render(html`<${App} first=${session} known=${known} />`, document.getElementById('app')));

// It fetches every screen, so that all open without a network: once the first one is there.
if ('serviceWorker' in navigator) setTimeout(() => navigator.serviceWorker.register('/sw.js').catch(() => {}), 2000);
