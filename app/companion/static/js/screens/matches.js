// Cards that may be mine: employer and years, and nothing else of them. Claimed with papers, or never suggested again.

import { useState } from '../../vendor/htm-preact.js';
import { post, upload } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, Empty, html, Notice, Page, State, useSeen } from '../ui.js';

const PAPERS = ['paklaring', 'card', 'ktp', 'kk', 'hr_letter', 'other'];

export default function Matches() {
  const seen = useSeen('/v1/possible-matches');
  const matches = seen.data?.matches ?? [];
  return html`
    <${Page} title=${t('me_matches')} back="#/me">
      <${Notice}>${t('matches_say')}<//>
      <${State} of=${seen} />
      ${seen.data && matches.length === 0 && html`<${Empty}>${t('no_matches')}<//>`}
      <ul class="list">${matches.map((one) => html`<li class="panel" key=${one.id}><h2>${one.employer?.name ?? t('employer_unknown')}</h2>
        <p>${t('years', { from: one.from_year, to: one.to_year ?? t('now') })}</p>
        ${one.state === 'suggested' ? html`<${Answer} match=${one} reload=${seen.reload} />`
          : html`<p class="tag">${t(`match_${one.state}`)}</p>${one.case && one.state === 'claimed' && html`<p>${t('case_due', { when: format.moment(one.case.due_at) })}</p>`}`}</li>`)}</ul>
    <//>`;
}

function Answer({ match, reload }) {
  const path = `/v1/possible-matches/${match.id}`;
  const seen = useSeen(`${path}/documents`);
  const [file, setFile] = useState(null);
  const [kind, setKind] = useState('paklaring');
  const papers = seen.data?.documents ?? [];
  const sent = () => { setFile(null); seen.reload(); };
  return html`
    <h3>${t('match_papers')}</h3><p class="small">${t('papers_say')}</p>
    <label>${t('paper_kind')}<select value=${kind} onChange=${(event) => setKind(event.target.value)}>${PAPERS.map((one) => html`
      <option value=${one}>${t(`paper_${one}`)}</option>`)}</select></label>
    <label class="file">${t('photo')}<input key=${papers.length} type="file" accept="image/jpeg,image/png,application/pdf" onChange=${(event) => setFile(event.target.files[0])} /></label>
    <${Do} kind="quiet" disabled=${!file} act=${() => upload(`${path}/documents?kind=${kind}`, file)} after=${sent}>${t('send_paper')}<//>
    ${papers.length > 0 && html`<${Notice} kind="good">${t('paper_there', { count: papers.length })}: ${papers.map((one) => t(`paper_${one.kind}`)).join(', ')}<//>`}
    <${Do} disabled=${papers.length === 0} act=${() => post(`${path}/claim`, { document_ids: papers.map((one) => one.id) })} after=${reload}>${t('claim_match')}<//>
    <${Do} kind="quiet" act=${() => post(`${path}/not-mine`)} after=${reload}>${t('match_disown')}<//>`;
}
