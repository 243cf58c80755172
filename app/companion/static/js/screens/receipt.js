// The receipt on the screen: who, when, what was agreed and what was done; and whether it is genuine.

import { useState } from '../../vendor/htm-preact.js';
import { blob } from '../api.js';
import * as format from '../format.js';
import { check, open } from '../receipt.js';
import { language, t } from '../words.js';
import { Do, html, Icon, Notice, Page, Row, State, useSeen } from '../ui.js';
import { Plan } from './merge-plan.js';

export default function Receipt({ id }) {
  const seen = useSeen(`/v1/merges/${id}/receipt`);
  const receipt = seen.data && open(seen.data);
  return html`
    <${Page} title=${t('receipt')} back="#/merges/${id}">
      <${State} of=${seen} />
      ${receipt && html`
        <section class="panel"><h2>${receipt.participant.name}</h2><dl>
          <${Row} name=${t('nik_short')}>•••• ${receipt.participant.nik_last4}<//>
          <${Row} name=${t('issued_by')}>${receipt.issuer}<//>
          <${Row} name=${t('issued_at')}>${format.moment(receipt.issued_at)}<//></dl></section>
        <${Check} signed=${seen.data} />
        ${receipt.acts.map((act) => html`<${Act} act=${act} />`)}
        <${Ledger} entries=${receipt.ledger} />
        <section class="panel"><h2>${t('take_away')}</h2><p>${t('receipt_says')}</p>
          <${Do} kind="quiet" act=${() => keep(id, 'application/pdf', 'pdf')}>${t('receipt_pdf')}<//>
          <${Do} kind="quiet" act=${() => keep(id, 'application/jose+json', 'json')}>${t('receipt_signed')}<//></section>`}
    <//>`;
}

function Check({ signed }) {
  const [found, setFound] = useState(null);
  const good = found?.every((one) => one.holds);
  return html`
    <section class="panel"><h2>${t('check_title')}</h2><p>${t('check_says')}</p>
      <${Do} act=${() => check(signed)} after=${setFound}>${t('check')}<//>
      ${found && html`<${Notice} kind=${good ? 'good' : 'error'}><strong>${t(good ? 'check_good' : 'check_bad')}</strong>
        <ul class="checks">${found.map((one) => html`<li><${Icon} name=${one.holds ? 'check' : 'alert'} />${t(`check_${one.what}`)}${one.holds ? '' : ` – ${t('check_not')}`}</li>`)}</ul><//>`}
    </section>`;
}

const Act = ({ act }) => html`
  <section class="panel act"><${Plan} plan=${act.plan} cards=${[]} title=${t(`act_${act.action}`)} />
    ${act.shown.texts.length > 0 && html`<h3>${t('you_saw')}</h3><ul class="ways">${act.shown.texts.map((one) => html`<li>${one[language()]}</li>`)}</ul>`}
    <dl>
      ${act.confirmed_at && html`<${Row} name=${t('agreed_at')}>${format.moment(act.confirmed_at)}<//>`}
      ${act.executed_at && html`<${Row} name=${t('done_at')}>${format.moment(act.executed_at)}<//>`}
      ${(act.device ?? act.passkey) && html`<${Row} name=${t('signed_by')}>${(act.device ?? act.passkey).name}<//>`}
      <${Row} name=${t('plan_number')}><code>${act.plan_digest}</code><//></dl></section>`;

const Ledger = ({ entries }) => html`
  <section class="panel"><h2>${t('money_moved')}</h2><ol class="statement">${entries.map((entry) => html`
    <li><span class="when">${entry.kpj ? format.card(entry.kpj) : ''}</span><span class="what">${t(`entry_${entry.kind}`)}</span>
      <span class="how-much ${entry.amount < 0 ? 'out' : 'in'}">${format.signed(entry.amount)}</span></li>`)}</ol></section>`;

export async function keep(id, type, suffix) {
  const address = URL.createObjectURL(await blob(`/v1/merges/${id}/receipt`, type));
  Object.assign(document.createElement('a'), { href: address, download: `sepakat-${id.slice(0, 8)}.${suffix}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
