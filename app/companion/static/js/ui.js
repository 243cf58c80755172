// What all screens are made of.

import { html, useCallback, useEffect, useRef, useState } from '../vendor/htm-preact.js';
import { events, get, Offline } from './api.js';
import * as format from './format.js';
import { load, save } from './store.js';
import { t } from './words.js';

export { html };

// What `path` answers; without a network what it answered last, with the moment of that. Read anew when something changes.
export function useSeen(path) {
  const [state, setState] = useState({});
  const reload = useCallback(async () => {
    if (!path) return;
    try {
      const data = await get(path);
      setState({ data });
      await save('seen', path, { data, at: Date.now() });
    } catch (error) {
      const seen = error instanceof Offline ? await load('seen', path) : null;
      setState(seen ? { data: seen.data, at: seen.at } : { error });
    }
  }, [path]);
  useEffect(() => {
    reload();
    const again = () => reload();
    events.addEventListener('changed', again);
    addEventListener('online', again);
    return () => { events.removeEventListener('changed', again); removeEventListener('online', again); };
  }, [reload]);
  return { ...state, reload };
}

export const Icon = ({ name }) => html`<svg class="icon" aria-hidden="true" viewBox="0 0 24 24"><path d=${PATHS[name]} /></svg>`;

const PATHS = {
  cards: 'M3 7a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM3 10h18',
  merge: 'M6 4v4a4 4 0 0 0 4 4h4a4 4 0 0 1 4 4v4M18 4v4a4 4 0 0 1-1 2.6M15 17l3 3 3-3',
  inbox: 'M4 13l2.5-8h11L20 13v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM4 13h5l1.2 2.5h3.6L15 13h5',
  me: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0',
  phone: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2',
  back: 'M15 5l-7 7 7 7',
  go: 'M9 5l7 7-7 7',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 4l9 16H3zM12 10v4M12 17v.5',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z',
  ice: 'M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2',
  pause: 'M9 6v12M15 6v12',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.5',
  horn: 'M4 10v4h3l8 4V6l-8 4zM18 9.5a3.5 3.5 0 0 1 0 5M8 14.5V19h2.5v-3.3',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5',
};

const STATUS_ICON = {
  active: 'check', pending: 'clock', arrears: 'alert', inactive: 'pause', claimed: 'check', merged: 'merge',
  merged_without_consent: 'alert', frozen: 'ice', claim_in_progress: 'clock',
};

export const Status = ({ status }) => html`
  <span class="status status-${status}"><${Icon} name=${STATUS_ICON[status] ?? 'info'} />${t(`status_${status}`)}</span>`;

export const Money = ({ amount, big }) => html`<span class=${big ? 'money money-big' : 'money'}>${format.rupiah(amount)}</span>`;

// A page below a heading. `back` is where the arrow leads.
export function Page({ title, back, children, aside }) {
  const heading = useRef(null);
  useEffect(() => { document.title = `${title} – Sepakat`; heading.current?.focus({ preventScroll: true }); scrollTo(0, 0); }, [title]);
  return html`
    <header class="top">
      ${back && html`<a class="round" href=${back} aria-label=${t('back')}><${Icon} name="back" /></a>`}
      <h1 tabindex="-1" ref=${heading}>${title}</h1>${aside}
    </header>
    <main id="main">${children}</main>`;
}

// Says how old it is when the network is away, what went wrong, or nothing.
export function State({ of }) {
  if (of.error instanceof Offline) return html`<${Notice} kind="warning">${t('offline_nothing')} <button class="link" onClick=${of.reload}>${t('again')}</button><//>`;
  if (of.error) return html`<${Wrong} error=${of.error} />`;
  if (of.at) return html`<${Notice} kind="warning">${t('offline_as_of', { when: format.moment(of.at) })}<//>`;
  return of.data ? null : html`<div class="loading" role="status"><span class="sr">${t('loading')}</span></div>`;
}

export const Notice = ({ kind = 'info', children }) => html`
  <div class="notice notice-${kind}" role=${kind === 'error' ? 'alert' : 'note'}>
    <${Icon} name=${kind === 'info' ? 'info' : kind === 'good' ? 'check' : 'alert'} /><div>${children}</div>
  </div>`;

export function Wrong({ error }) {
  if (!error) return null;
  const says = error instanceof Offline ? t('offline_act')
    : error.code === 'hold_in_force' ? t('hold_in_force', { when: format.moment(error.body.until) }) : error.message;
  return html`<${Notice} kind="error">${says} ${error.body?.errors?.map((one) => one.reason).join('; ')}<//>`;
}

// A button that can be pressed once at a time; what goes wrong stands below it.
export function Do({ act, children, kind = 'primary', disabled, after }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const press = async () => {
    setBusy(true);
    setError(null);
    try {
      const done = await act();
      setBusy(false);
      after?.(done);
    } catch (wrong) {
      setBusy(false);
      setError(wrong.name === 'NotAllowedError' ? new Error(t('passkey_not_used')) : wrong);
    }
  };
  return html`
    <div class="do">
      <button class="button ${kind}" disabled=${disabled || busy} aria-busy=${busy} onClick=${press}>${children}</button>
      <${Wrong} error=${error} />
    </div>`;
}

// Ticks once a second while `end` is ahead, and calls `over` once when it has come.
export function Countdown({ end, total, over, label }) {
  const [now, setNow] = useState(Date.now());
  const done = now >= end;
  useEffect(() => {
    if (done) { over?.(); return undefined; }
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [done]);
  const share = Math.min(1, Math.max(0, (end - now) / total));
  return html`
    <div class="countdown" role="timer" aria-label=${label}>
      <svg viewBox="0 0 100 100" aria-hidden="true"><circle cx="50" cy="50" r="44" />
        <circle class="left" cx="50" cy="50" r="44" pathLength="100" stroke-dasharray="${share * 100} 100" /></svg>
      <span>${format.left(end, now)}</span>
    </div>`;
}

export const Row = ({ name, children }) => html`<div class="row"><dt>${name}</dt><dd>${children}</dd></div>`;

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;
