// What all cards held together at the end of each year, and which card how much of it. Read when it is opened.

import { useState } from '../../vendor/htm-preact.js';
import { Balances } from '../chart.js';
import * as format from '../format.js';
import { readStatement, together } from '../statement.js';
import { t } from '../words.js';
import { Empty, html, Wrong } from '../ui.js';

export function Growth({ cards }) {
  const [points, setPoints] = useState(null);
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState(null);
  const open = async ({ target }) => {
    if (!target.open || points) return;
    setAsked(true);
    setError(null);
    try {
      const statements = await Promise.all(cards.map((card) => readStatement(card.card_id)));
      setPoints(statements.some((one) => one.length > 0) ? together(statements) : []);
    } catch (wrong) {
      setError(wrong);
    }
  };
  return html`
    <details class="panel growth" onToggle=${open}><summary>${t('growth')}</summary><${Wrong} error=${error} />
      ${points === null ? asked && !error && html`<div class="loading" role="status"><span class="sr">${t('loading')}</span></div>`
        : points.length > 1 ? html`<${Balances} points=${points} names=${cards.map((card) => format.card(card.kpj))} />` : html`<${Empty}>${t('no_entries')}<//>`}
    </details>`;
}
