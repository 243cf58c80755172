// One card: what it is and why, its money over the years, who paid, and what can be done.

import { Explanations } from '../announcement.js';
import { del, prove, put } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, html, Money, Page, Row, State, Status, useSeen } from '../ui.js';
import { serves } from '../works.js';
import { Frozen } from './frozen.js';
import { Statement } from './statement.js';

const OF_MERGES = ['see_merge', 'dispute_merge', 'accept_merge', 'undo'];

// Where a way that the explanation names is gone; nowhere for what is on this page already.
function whereTo(way, card) {
  if (way === 'see_living_card' && card.merged_into) return `#/cards/${card.merged_into.card_id}`;
  if (way === 'see_cases') return '#/me/cases';
  if (way === 'see_merge_options') return '#/merges';
  return OF_MERGES.includes(way) && (card.explanation.merge_id ? `#/merges/${card.explanation.merge_id}` : '#/merges');
}

export default function Card({ id }) {
  const seen = useSeen(`/v1/cards/${id}`);
  const card = seen.data;
  return html`
    <${Page} title=${card ? format.card(card.kpj) : t('card')} back="#/cards">
      <${State} of=${seen} />
      ${card && html`
        <section class="hero card-${card.status}"><${Status} status=${card.status} /><${Money} amount=${card.balance} big=${true} />
          <p>${card.employer?.name ?? t(`segment_${card.segment}`)}</p></section>
        <${Explained} card=${card} />
        ${stopped(card) && html`<${Frozen} reload=${seen.reload} />`}
        ${serves('GET /v1/cards/{card_id}/statement') && html`<${Statement} id=${id} upTo=${card.balance} />`}
        <section class="panel"><h2>${t('about_card')}</h2><dl>
          <${Row} name=${t('opened')}>${format.day(card.opened_on)}<//>
          ${card.closed_on && html`<${Row} name=${t('closed')}>${format.day(card.closed_on)}<//>`}
          <${Row} name=${t('segment')}>${t(`segment_${card.segment}`)}<//>
          <${Row} name=${t('programmes')}>${card.programmes.join(', ')}<//>
          ${card.merged_into && html`<${Row} name=${t('merged_into')}><a href="#/cards/${card.merged_into.card_id}">${format.card(card.merged_into.kpj)}</a>, ${format.day(card.merged_into.merged_at)}<//>`}
        </dl></section>
        ${serves('PUT /v1/cards/{card_id}/lock') && html`<${Lock} card=${card} reload=${seen.reload} />`}
        ${serves('GET /v1/cards/{card_id}/history') && html`<${History} id=${id} />`}`}
    <//>`;
}

const stopped = (card) => serves('POST /v1/cards/unfreeze') && card.explanation.what_you_can_do.some((way) => way.code === 'lift_the_freeze');

const Explained = ({ card }) => html`
  <section class="panel"><h2>${t('what_happened')}</h2><p>${card.explanation.text}</p>
    <p class="small">${format.moment(card.explanation.occurred_at)}${card.explanation.consent ? ` · ${t(`consent_${card.explanation.consent}`)}` : ''}</p>
    ${card.explanation.what_you_can_do.length > 0 && html`<h3>${t('you_can')}</h3><ul class="ways">${card.explanation.what_you_can_do.map((way) => html`
      <li>${way.text} ${whereTo(way.code, card) && html`<a href=${whereTo(way.code, card)}>${t('go_there')}</a>`}</li>`)}</ul>`}
  </section>`;

function Lock({ card, reload }) {
  const lock = () => put(`/v1/cards/${card.card_id}/lock`);
  const unlock = async () => del(`/v1/cards/${card.card_id}/lock`, await prove('unlock', card.card_id, { subject_id: card.card_id }));
  return html`
    <section class="panel"><h2>${t('lock_title')}</h2><p>${t(card.locked ? 'lock_is' : 'lock_can')}</p>
      <${Do} kind="quiet" act=${card.locked ? unlock : lock} after=${reload}>${t(card.locked ? 'unlock' : 'lock')}<//></section>`;
}

function History({ id }) {
  const seen = useSeen(`/v1/cards/${id}/history`);
  return html`
    <section class="panel"><h2>${t('history')}</h2><ol class="timeline">${(seen.data?.entries ?? []).map((entry) => html`
      <li><strong>${entry.title}</strong><p>${entry.body}</p><span class="small">${format.moment(entry.occurred_at)}</span><${Explanations} ids=${entry.explained_by} /></li>`)}</ol></section>`;
}
