// After the signature: the time to think it over, then the receipt, and the way back.

import { useState } from '../../vendor/htm-preact.js';
import { post, prove } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Countdown, Do, html, Notice } from '../ui.js';
import { serves, undoes } from '../works.js';
import { Plan } from './merge-plan.js';
import { keep } from './receipt.js';

export function Confirmed({ merge, cards, reload }) {
  const end = Date.parse(merge.executes_at);
  return html`
    <section class="panel waiting-for"><${Countdown} end=${end} total=${merge.plan.cooling_off_s * 1000} label=${t('until_executed')} over=${() => setTimeout(reload, 1500)} />
      <p>${t('executes_at', { when: format.moment(merge.executes_at) })}</p>
      <${Do} kind="danger" act=${() => post(`/v1/merges/${merge.id}/cancel`)} after=${reload}>${t('cancel_merge')}<//>
      <p class="small">${t('cancel_says')}</p></section>
    <${Plan} plan=${merge.plan} cards=${cards} />`;
}

export function Executed({ merge, cards, reload }) {
  return html`
    <${Notice} kind="good">${t('executed_at', { when: format.moment(merge.executed_at) })}<//>
    <${Plan} plan=${merge.plan} cards=${cards} />
    ${serves('GET /v1/merges/{merge_id}/receipt') && html`<section class="panel"><h2>${t('receipt')}</h2><p>${t('receipt_says')}</p>
      <${Do} kind="quiet" act=${() => keep(merge.id, 'application/pdf', 'pdf')}>${t('receipt_pdf')}<//>
      <a class="button quiet" href="#/merges/${merge.id}/receipt">${t('receipt_see')}</a></section>`}
    ${undoes() && Date.parse(merge.undo_until) > Date.now() && html`<${Undo} merge=${merge} reload=${reload} />`}`;
}

function Undo({ merge, reload }) {
  const [back, setBack] = useState(null);
  const undo = (how) => async () => {
    const acknowledged = [...back.plan.to_acknowledge].sort();
    const members = { merge_id: merge.id, plan_digest: back.plan_digest, acknowledged };
    return post(`/v1/merges/${merge.id}/undo`, { plan_digest: back.plan_digest, acknowledged, ...await prove('undo', merge.id, members, how) });
  };
  return html`
    <section class="panel"><h2>${t('undo')}</h2><p>${t('undo_until', { when: format.day(merge.undo_until) })}</p>
      ${back === null ? html`<${Do} kind="quiet" act=${() => post(`/v1/merges/${merge.id}/undo/plan`)} after=${setBack}>${t('undo_look')}<//>` : html`
        <${Plan} plan=${back.plan} cards=${[]} />
        ${(back.plan.texts ?? []).map((one) => html`<${Notice} kind=${one.severity}>${one.text}<//>`)}
        <${Do} kind="danger" act=${undo('device_key')} after=${reload}>${t('undo_do')}<//>`}
    </section>`;
}
