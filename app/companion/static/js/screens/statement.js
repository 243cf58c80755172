// A card's money: the chart, then year by year who paid and what became of it.

import { useEffect, useState } from '../../vendor/htm-preact.js';
import { Balances } from '../chart.js';
import * as format from '../format.js';
import { byYear, readStatement, yearsOf } from '../statement.js';
import { t } from '../words.js';
import { Empty, html } from '../ui.js';

export function Statement({ id, upTo }) {
  const [entries, setEntries] = useState(null);
  useEffect(() => {
    let current = true;
    readStatement(id, (found) => current && setEntries(found)).catch(() => current && setEntries((old) => old ?? []));
    return () => { current = false; };
  }, [id, upTo]);
  if (!entries) return html`<div class="loading" role="status"><span class="sr">${t('loading')}</span></div>`;
  if (entries.length === 0) return html`<${Empty}>${t('no_entries')}<//>`;
  return html`
    <section class="panel"><h2>${t('money')}</h2>
      <${Balances} points=${byYear(entries)} />
      <div class="years-of">${yearsOf(entries).map((one, index) => html`<${Year} key=${one.year} of=${one} open=${index === 0} />`)}</div>
    </section>`;
}

const Year = ({ of, open }) => html`
  <details open=${open}><summary><span>${of.year}</span><span>${format.rupiah(of.balance)}</span></summary>
    ${of.paid.map((one) => html`<p class="paid">${t('paid_by', { name: one.name, count: one.months })}<strong>${format.rupiah(one.amount)}</strong></p>`)}
    <ol class="statement">${of.entries.map((entry) => html`<li><span class="when">${format.day(entry.effective_on)}</span>
      <span class="what">${t(`entry_${entry.kind}`)}${entry.month ? ` ${format.month(entry.month)}` : ''}${entry.employer ? html`<small>${entry.employer.name}</small>` : ''}
        ${entry.received_for_kpj && html`<small>${t('for_number', { kpj: format.card(entry.received_for_kpj) })}</small>`}</span>
      <span class="how-much ${entry.amount < 0 ? 'out' : 'in'}">${format.signed(entry.amount)}<small>${format.rupiah(entry.balance_after)}</small></span></li>`)}</ol></details>`;
