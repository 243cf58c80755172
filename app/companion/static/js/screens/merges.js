// Merges of mine, and what could be merged. Nothing here changes a card.

import { useState } from '../../vendor/htm-preact.js';
import { post } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, Empty, html, Icon, Notice, Page, State, useSeen } from '../ui.js';
import { serves } from '../works.js';

export default function Merges() {
  const merges = useSeen('/v1/merges');
  const options = useSeen(serves('GET /v1/merges/options', 'POST /v1/merges') ? '/v1/merges/options' : null);
  const possible = (options.data?.options ?? []).filter((one) => one.allowed);
  const refused = (options.data?.options ?? []).filter((one) => !one.allowed);
  return html`
    <${Page} title=${t('tab_merge')}>
      <${Notice}>${t('merge_promise')}<//>
      <${State} of=${merges} />
      ${merges.data?.merges.length === 0 && html`<${Empty}>${t('no_merges')}<//>`}
      <ul class="list">${(merges.data?.merges ?? []).map((merge) => html`
        <li><a class="item" href="#/merges/${merge.id}"><strong>${t(`merge_${merge.state}`)}</strong>
          <span>${t('into', { from: merge.absorb.map(format.card).join(', '), into: format.card(merge.into) })}</span>
          <span class="small">${t(`by_${merge.proposed_by}`)}</span><${Icon} name="go" /></a></li>`)}</ul>
      ${possible.length > 0 && html`<h2>${t('could_merge')}</h2>
        <ul class="list">${possible.map((option) => html`<${Option} option=${option} />`)}</ul>`}
      ${refused.length > 0 && html`<details class="panel"><summary>${t('cannot_merge')}</summary>
        <ul>${refused.map((one) => html`<li>${t('into', { from: one.absorb.map(format.card).join(', '), into: format.card(one.into) })}: ${one.reasons.map((reason) => reason.text).join(' ')}</li>`)}</ul></details>`}
    <//>`;
}

function Option({ option }) {
  const [open, setOpen] = useState(option.recommended);
  return html`
    <li class="panel option">
      <h3>${t('into', { from: option.absorb.map(format.card).join(', '), into: format.card(option.into) })}</h3>
      ${option.recommended && html`<p class="tag"><${Icon} name="check" />${option.reasons.map((one) => one.text).join(' ')}</p>`}
      ${option.warnings.map((one) => html`<${Notice} kind="warning">${one.text}<//>`)}
      ${open ? html`<${Do} kind=${option.recommended ? 'primary' : 'quiet'} act=${() => post('/v1/merges', { absorb: option.absorb, into: option.into })}
        after=${(merge) => { location.hash = `#/merges/${merge.id}`; }}>${t('look_at_plan')}<//><p class="small">${t('plan_changes_nothing')}</p>`
        : html`<button class="link" onClick=${() => setOpen(true)}>${t('more')}</button>`}
    </li>`;
}
