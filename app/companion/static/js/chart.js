// Balances over the years, as a picture and as a table: the same figures.

import { html } from './ui.js';
import { rupiah } from './format.js';
import { t } from './words.js';

const WIDTH = 320;
const HEIGHT = 120;
const WIDEST_BAR = 28;

// `points`: [{year, balance, parts?}]; `names` of the parts, when each bar is made of several cards.
export function Balances({ points, names = [] }) {
  if (points.length < 2) return null;
  const most = Math.max(...points.map((one) => one.balance), 1);
  const wide = WIDTH / points.length;
  const bar = Math.min(wide * 0.7, WIDEST_BAR);
  const [first, last] = [points[0], points.at(-1)];
  return html`
    <figure class="chart">
      <figcaption>${t('chart')}</figcaption>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT + 20}" role="img" aria-label=${t('chart_says', {
        from: first.year, to: last.year, first: rupiah(first.balance), last: rupiah(last.balance),
      })}>
        ${points.map((one, index) => html`<g><title>${one.year}: ${rupiah(one.balance)}</title>
          <${Bar} parts=${one.parts ?? [one.balance]} x=${(index + 0.5) * wide - bar / 2} wide=${bar} scale=${HEIGHT / most} />
          ${labelled(index, points.length) && html`<text x=${(index + 0.5) * wide} y=${HEIGHT + 15}>${one.year}</text>`}</g>`)}
      </svg>
      ${names.length > 1 && html`<ul class="legend">${names.map((name, index) => html`<li><span class="part-${index % 4}"></span>${name}</li>`)}</ul>`}
      <details><summary>${t('as_table')}</summary><div class="wide" role="region" tabindex="0" aria-label=${t('as_table')}><table>
        <thead><tr><th scope="col">${t('year')}</th><th scope="col">${t('balance')}</th>${names.length > 1 && names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${points.map((one) => html`<tr><th scope="row">${one.year}</th><td>${rupiah(one.balance)}</td>
          ${names.length > 1 && one.parts.map((part) => html`<td>${rupiah(part)}</td>`)}</tr>`)}</tbody></table></div>
      </details>
    </figure>`;
}

function Bar({ parts, x, wide, scale }) {
  let below = HEIGHT;
  return parts.map((part, index) => {
    const high = part > 0 ? Math.max(2, part * scale) : 0;
    below -= high;
    return high > 0 && html`<rect class="part-${index % 4}" x=${x} y=${below} width=${wide} height=${high} rx="2" />`;
  });
}

const labelled = (index, count) => (count - 1 - index) % Math.ceil(count / 8) === 0;
