// A merge that the agency's system did without asking: what it says, what was there before, and what I say to it.

import { useState } from '../../vendor/htm-preact.js';
import { post, prove } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, html, Notice, Row } from '../ui.js';
import { Plan } from './merge-plan.js';

export function Reported({ merge, cards, reload }) {
  const [statement, setStatement] = useState('');
  const [accepting, setAccepting] = useState(null);
  const [agreed, setAgreed] = useState(new Set());
  const accept = async () => {
    const acknowledged = [...accepting.plan.to_acknowledge].sort();
    const members = { merge_id: merge.id, plan_digest: accepting.plan_digest, acknowledged };
    return post(`/v1/merges/${merge.id}/accept`, { plan_digest: accepting.plan_digest, acknowledged, ...await prove('accept', merge.id, members) });
  };
  return html`
    <${Notice} kind="error">${t('reported_says', { when: format.day(merge.reported.merged_on) })}<//>
    ${Object.keys(merge.reported.balances).length > 0 && html`<section class="panel"><h2>${t('day_before')}</h2><dl>${Object.entries(merge.reported.balances).map(([kpj, balance]) => html`
      <${Row} name=${format.card(kpj)}>${format.rupiah(balance)}<//>`)}</dl></section>`}
    ${merge.state === 'disputed' ? html`<${Notice} kind="good">${t('disputed_says')}<//>` : html`
      <section class="panel"><h2>${t('not_agreed')}</h2>
        <label>${t('say_why')}<textarea rows="3" maxlength="1000" value=${statement} onInput=${(event) => setStatement(event.target.value)}></textarea></label>
        <${Do} kind="danger" act=${() => post(`/v1/merges/${merge.id}/dispute`, statement ? { statement } : {})} after=${reload}>${t('dispute')}<//></section>`}
    <section class="panel"><h2>${t('agreed_after_all')}</h2>
      ${accepting === null ? html`<${Do} kind="quiet" act=${() => post(`/v1/merges/${merge.id}/accept/plan`)} after=${setAccepting}>${t('accept_look')}<//>` : html`
        <${Plan} plan=${accepting.plan} cards=${cards} />
        <ul class="consequences">${accepting.plan.texts.map((one) => html`<li class=${one.severity}>${accepting.plan.to_acknowledge.includes(one.code)
          ? html`<label><input type="checkbox" checked=${agreed.has(one.code)} onChange=${(event) => {
              const now = new Set(agreed); event.target.checked ? now.add(one.code) : now.delete(one.code); setAgreed(now); }} /><span>${one.text}</span></label>`
          : html`<span>${one.text}</span>`}</li>`)}</ul>
        <${Do} disabled=${!accepting.plan.to_acknowledge.every((code) => agreed.has(code))} act=${accept} after=${reload}>${t('accept')}<//>`}
    </section>`;
}
