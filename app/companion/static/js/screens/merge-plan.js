// What is and what would be, to the rupiah; which card lives on; every warning by itself; then the signature.

import { useEffect, useState } from '../../vendor/htm-preact.js';
import { post, Problem, prove, upload } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, html, Icon, Money, Notice, Status, useSeen } from '../ui.js';
import { proves, serves, undoes } from '../works.js';

export function Proposed({ merge, cards, reload }) {
  const [ticked, setTicked] = useState({});
  const [diff, setDiff] = useState(merge.last_refusal?.diff ?? null);
  const [fresh, setFresh] = useState(null);
  const shown = fresh ?? merge;
  const { plan } = shown;
  const passkeys = useSeen(proves('passkey') && serves('GET /v1/passkeys') ? '/v1/passkeys' : null).data?.passkeys ?? [];
  const agreed = ticked.of === shown.plan_digest ? ticked.codes : new Set(); // of this very plan, whoever changed it meanwhile
  useEffect(() => setFresh(null), [merge]);
  useEffect(() => { if (merge.plan_expires_at && Date.parse(merge.plan_expires_at) < Date.now()) renew(); }, [merge.id]);

  const renew = async () => { setFresh(await post(`/v1/merges/${merge.id}/plan`)); };
  const choose = (into) => async () => { setFresh(await post(`/v1/merges/${merge.id}/survivor`, { into })); };
  const confirm = (how) => async () => {
    const acknowledged = [...plan.to_acknowledge].sort();
    const members = { merge_id: merge.id, plan_digest: shown.plan_digest, acknowledged };
    try {
      return await post(`/v1/merges/${merge.id}/confirmation`, { plan_digest: shown.plan_digest, acknowledged, ...await prove('merge', merge.id, members, how) });
    } catch (error) {
      if (error instanceof Problem && error.code === 'merge_plan_stale') { setDiff(error.body.diff); await renew(); }
      throw error;
    }
  };
  if (!plan) return null;
  const ready = plan.to_acknowledge.every((code) => agreed.has(code));
  return html`
    ${diff?.length > 0 && html`<${Changed} diff=${diff} />`}
    <${Plan} plan=${plan} cards=${cards} choose=${choose} />
    <section><h2>${t('consequences')}</h2><ul class="consequences">${plan.texts.map((one) => html`
      <li class=${one.severity}>${one.severity === 'warning'
        ? html`<label><input type="checkbox" checked=${agreed.has(one.code)} onChange=${(event) => {
            const now = new Set(agreed); event.target.checked ? now.add(one.code) : now.delete(one.code); setTicked({ of: shown.plan_digest, codes: now }); }} />
            <span>${one.text}<small>${t('i_understand')}</small></span></label>`
        : html`<${Icon} name="info" /><span>${one.text}</span>`}</li>`)}</ul></section>
    <section class="panel agree"><p>${plan.cooling_off_s ? t('cooling_off', { time: span(plan.cooling_off_s) }) : ''} ${plan.undo_window_s && undoes() ? t('undo_window', { time: span(plan.undo_window_s) }) : ''}</p>
      ${!ready && html`<p class="small" id="why">${t('acknowledge_first')}</p>`}
      <${Do} disabled=${!ready} act=${confirm('device_key')} after=${reload}>${t('confirm', { total: format.rupiah(plan.total_after) })}<//>
      ${passkeys.length > 0 && html`<${Do} kind="quiet" disabled=${!ready} act=${confirm('passkey')} after=${reload}>${t('confirm_passkey')}<//>`}</section>
    ${serves('POST /v1/merges/{merge_id}/documents') && html`<${Papers} merge=${merge} />`}
    <section class="panel"><h2>${t('or_not')}</h2><p>${t('or_not_says')}</p>
      <${Do} kind="quiet" act=${() => post(`/v1/merges/${merge.id}/decline`)} after=${reload}>${t('decline')}<//>
      ${serves('POST /v1/merges/{merge_id}/never-suggest') && html`<${Do} kind="quiet" act=${() => post(`/v1/merges/${merge.id}/never-suggest`)} after=${reload}>${t('never')}<//>`}</section>`;
}

export function Plan({ plan, cards, choose, title }) {
  const known = new Map(cards.map((card) => [card.kpj, card]));
  const survivor = plan.cards.find((one) => one.role === 'survivor');
  const [busy, setBusy] = useState(null);
  const pick = async (kpj) => { setBusy(kpj); try { await choose(kpj)(); } finally { setBusy(null); } };
  return html`
    <section class="plan" aria-busy=${busy !== null}>
      <h2>${title ?? t(choose ? 'which_lives' : 'plan')}</h2>
      <div class="sides" role=${choose ? 'radiogroup' : 'list'} aria-label=${title ?? t(choose ? 'which_lives' : 'plan')}>
        ${plan.cards.map((one) => {
          const lives = one.role === 'survivor';
          const inside = html`
            <span class="role">${lives ? html`<${Icon} name="check" />${t('lives_on')}` : t('goes_in')}</span>
            <span class="kpj">${format.card(one.kpj)}</span>
            <span class="employer">${known.get(one.kpj)?.employer?.name ?? ''}</span>
            <span class="turn"><span><small>${t('now_is')}</small><${Status} status=${one.status_before} />${format.rupiah(one.balance_before)}</span>
              <${Icon} name="go" /><span><small>${t('then')}</small><${Status} status=${one.status_after} /><strong>${format.rupiah(one.balance_after)}</strong></span></span>`;
          return choose
            ? html`<button role="radio" aria-checked=${lives} class="side ${lives ? 'lives' : ''}" disabled=${busy !== null} onClick=${() => lives || pick(one.kpj)}>${inside}</button>`
            : html`<div role="listitem" class="side ${lives ? 'lives' : ''}">${inside}</div>`;
        })}
      </div>
      <p class="sum"><span>${t('together_before')}</span><${Money} amount=${plan.total_before} /><span>${t('together_after')}</span><${Money} amount=${plan.total_after} /></p>
      <p class="small">${plan.total_before === plan.total_after ? t('not_a_rupiah') : ''} ${t('survivor_is', { kpj: format.card(survivor.kpj) })}</p>
    </section>`;
}

// What differs between the plan that was shown and the one that holds now.
export const Changed = ({ diff }) => html`
  <${Notice} kind="warning"><strong>${t('plan_changed')}</strong><ul>${diff.map((one) => html`
    <li>${one.kpj ? `${format.card(one.kpj)}: ` : ''}${t(`field_${one.field}`)} ${value(one.field, one.before)} → <strong>${value(one.field, one.after)}</strong></li>`)}</ul><//>`;

const value = (field, one) => {
  if (typeof one === 'number' && /balance|total/.test(field)) return format.rupiah(one);
  if (typeof one === 'string' && /status/.test(field)) return t(`status_${one}`);
  return Array.isArray(one) ? one.join(', ') : String(one ?? '–');
};

export const span = (seconds) => (seconds >= 172800 ? t('days', { count: Math.round(seconds / 86400) })
  : seconds >= 7200 ? t('hours', { count: Math.round(seconds / 3600) })
    : seconds >= 120 ? t('minutes', { count: Math.round(seconds / 60) }) : t('seconds', { count: seconds }));

function Papers({ merge }) {
  const [file, setFile] = useState(null);
  const [sent, setSent] = useState([]);
  const send = async () => upload(`/v1/merges/${merge.id}/documents?kind=other`, file);
  return html`
    <details class="panel"><summary>${t('papers')}</summary><p>${t('papers_say')}</p>
      <label class="file">${t('photo')}<input type="file" accept="image/jpeg,image/png,application/pdf" capture="environment" onChange=${(event) => setFile(event.target.files[0])} /></label>
      <${Do} kind="quiet" disabled=${!file} act=${send} after=${(done) => { setSent([...sent, done]); setFile(null); }}>${t('send_paper')}<//>
      ${sent.length > 0 && html`<${Notice} kind="good">${t('paper_there', { count: sent.length })}<//>`}</details>`;
}
