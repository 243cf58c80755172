// All my cards, in whatever state, and what they hold together.

import { useState } from '../../vendor/htm-preact.js';
import { post } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, Empty, html, Icon, Money, Notice, Page, State, Status, useSeen } from '../ui.js';
import { serves } from '../works.js';
import { Growth } from './growth.js';

export default function Cards() {
  const cards = useSeen('/v1/cards');
  const merges = useSeen('/v1/merges');
  const me = useSeen('/v1/me');
  const waiting = (merges.data?.merges ?? []).filter((one) => ['proposed', 'confirmed', 'reported'].includes(one.state));
  const frozen = cards.data?.cards.find((one) => one.status === 'frozen');
  return html`
    <${Page} title=${me.data ? t('hello', { name: me.data.name.split(' ')[0] }) : t('tab_cards')}>
      <${State} of=${cards} />
      ${cards.data && html`
        <section class="total"><p>${t('total_of', { count: cards.data.cards.length })}</p><${Money} amount=${cards.data.total_balance} big=${true} /></section>
        ${waiting.map((merge) => html`<${Waiting} merge=${merge} />`)}
        ${frozen && html`<a class="waiting waiting-reported" href="#/cards/${frozen.card_id}"><${Icon} name="ice" /><span><strong>${t('cards_frozen')}</strong>${t('cards_frozen_say')}</span><${Icon} name="go" /></a>`}
        <ul class="cards">${cards.data.cards.map((card) => html`<li><${Card} card=${card} /></li>`)}</ul>
        ${cards.data.cards.length > 0 && serves('GET /v1/cards/{card_id}/statement') && html`<${Growth} cards=${cards.data.cards} />`}
        ${cards.data.cards.length === 0 && html`<${Empty}>${t('no_cards')}<//>`}
        ${serves('POST /v1/cards/resolve') && html`<${Search} />`}`}
    <//>`;
}

const Waiting = ({ merge }) => html`
  <a class="waiting waiting-${merge.state}" href="#/merges/${merge.id}">
    <${Icon} name=${merge.state === 'confirmed' ? 'clock' : merge.state === 'reported' ? 'alert' : 'merge'} />
    <span><strong>${t(`waiting_${merge.state}`)}</strong>
      ${t('into', { from: merge.absorb.map(format.card).join(', '), into: format.card(merge.into) })}</span><${Icon} name="go" />
  </a>`;

export const Card = ({ card }) => html`
  <a class="card card-${card.status}" href="#/cards/${card.card_id}">
    <span class="card-top"><span class="kpj">${format.card(card.kpj)}</span><${Status} status=${card.status} /></span>
    <span class="employer">${card.employer?.name ?? t(`segment_${card.segment}`)}</span>
    <span class="years">${t('years', { from: format.year(card.opened_on), to: card.closed_on ? format.year(card.closed_on) : t('now') })}${card.locked ? html` · <${Icon} name="lock" />${t('locked')}` : ''}</span>
    <${Money} amount=${card.balance} />
    <span class="last">${card.merged_into ? t(card.status === 'merged' ? 'went_to' : 'said_to_go', { kpj: format.card(card.merged_into.kpj) })
      : card.last_contribution ? t('last', { month: format.month(card.last_contribution.month), amount: format.rupiah(card.last_contribution.amount) }) : t('no_contribution')}</span>
  </a>`;

function Search() {
  const [kpj, setKpj] = useState('');
  const [found, setFound] = useState(null);
  return html`
    <form class="panel search" onSubmit=${(event) => event.preventDefault()}>
      <label>${t('search')}<input autocomplete="off" autocapitalize="characters" maxlength="18" value=${kpj} onInput=${(event) => { setKpj(event.target.value.replace(/\W/g, '')); setFound(null); }} /></label>
      <${Do} kind="quiet" disabled=${kpj.length < 10} act=${() => post('/v1/cards/resolve', { kpj })} after=${setFound}>${t('find')}<//>
      ${found && html`<${Notice}>${found.explanation.text}<//><${Card} card=${found} />`}
    </form>`;
}
