// A balance over the years, as a picture and as a table: the same figures.

import { html } from './ui.js';
import { rupiah } from './format.js';
import { t } from './words.js';

const WIDTH = 320;
const HEIGHT = 120;

// The balance at the end of each year, from statement entries in any order; years without an entry keep the one before.
export function byYear(entries) {
  const last = new Map();
  for (const entry of [...entries].reverse()) last.set(Number(entry.effective_on.slice(0, 4)), entry.balance_after);
  const years = [...last.keys()].sort((a, b) => a - b);
  const points = [];
  for (let year = years[0]; year <= years.at(-1); year += 1) points.push({ year, balance: last.get(year) ?? points.at(-1).balance });
  return points;
}

export function Balances({ points }) {
  if (points.length < 2) return null;
  const most = Math.max(...points.map((one) => one.balance), 1);
  const wide = WIDTH / points.length;
  return html`
    <figure class="chart">
      <figcaption>${t('chart')}</figcaption>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT + 20}" role="img" aria-label=${t('chart_says', {
        from: points[0].year, to: points.at(-1).year, first: rupiah(points[0].balance), last: rupiah(points.at(-1).balance),
      })}>
        ${points.map((one, index) => {
          const high = Math.max(2, (one.balance / most) * HEIGHT);
          return html`<g><rect x=${index * wide + wide * 0.15} y=${HEIGHT - high} width=${wide * 0.7} height=${high} rx="3"><title>${one.year}: ${rupiah(one.balance)}</title></rect>
            ${(points.length < 9 || index % 2 === (points.length - 1) % 2) && html`<text x=${(index + 0.5) * wide} y=${HEIGHT + 15}>${one.year}</text>`}</g>`;
        })}
      </svg>
      <details><summary>${t('as_table')}</summary>
        <table><thead><tr><th scope="col">${t('year')}</th><th scope="col">${t('balance')}</th></tr></thead>
          <tbody>${points.map((one) => html`<tr><th scope="row">${one.year}</th><td>${rupiah(one.balance)}</td></tr>`)}</tbody></table>
      </details>
    </figure>`;
}
