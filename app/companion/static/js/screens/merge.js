// One merge: the screen that all of this is for.

import { Explanations } from '../announcement.js';
import { t } from '../words.js';
import * as format from '../format.js';
import { html, Notice, Page, State, useSeen } from '../ui.js';
import { Confirmed, Executed } from './merge-after.js';
import { Proposed } from './merge-plan.js';
import { Reported } from './merge-reported.js';

const BODIES = { proposed: Proposed, confirmed: Confirmed, executed: Executed, reported: Reported, disputed: Reported };

const AGREED = ['undone', 'accepted']; // over, and with a receipt

export default function Merge({ id }) {
  const seen = useSeen(`/v1/merges/${id}`);
  const cards = useSeen('/v1/cards');
  const merge = seen.data;
  const Body = merge && BODIES[merge.state];
  return html`
    <${Page} title=${merge ? t(`merge_${merge.state}`) : t('tab_merge')} back="#/merges">
      <${State} of=${seen} />
      ${merge && html`
        <p class="lead">${t('into', { from: merge.absorb.map(format.card).join(', '), into: format.card(merge.into) })}</p>
        <p class="small">${t(`by_${merge.proposed_by}`)}${merge.reason ? ` · ${merge.reason}` : ''}</p>
        ${merge.core && html`<p class="small">${t(`core_${merge.core}`)}</p>`}
        ${merge.closed_because && html`<${Notice} kind="warning">${t(`closed_${merge.closed_because}`)}<//>`}
        <${Explanations} ids=${merge.explained_by} />
        ${Body ? html`<${Body} merge=${merge} cards=${cards.data?.cards ?? []} reload=${seen.reload} />`
          : html`<${Notice}>${t('merge_over')}<//>${AGREED.includes(merge.state) && html`<a class="button quiet" href="#/merges/${merge.id}/receipt">${t('receipt_see')}</a>`}`}`}
    <//>`;
}
