// Something on file about me is wrong: a case with a clock. Nothing changes by asking.

import { useEffect, useState } from '../../vendor/htm-preact.js';
import { get, post } from '../api.js';
import * as format from '../format.js';
import { t } from '../words.js';
import { Do, html, Notice, Page, State, useSeen } from '../ui.js';

const FIELDS = ['name', 'birth_date', 'nik', 'phone', 'email', 'other'];

// `id` is the number of the inbox entry that is not right, or nothing.
export default function Corrections({ id }) {
  const seen = useSeen('/v1/me/corrections');
  const [asking, setAsking] = useState({ field: id ? 'other' : 'name', wanted: '', statement: '' });
  const [sent, setSent] = useState(false);
  useEffect(() => {
    if (id) get(`/v1/inbox?before=${Number(id) + 1}&limit=1`).then(({ entries: [entry] }) => entry && setAsking((old) => ({
      ...old, statement: t('about_entry', { title: entry.title, when: format.moment(entry.occurred_at), seq: entry.seq }),
    })), () => {});
  }, [id]);
  const change = (name) => (event) => setAsking({ ...asking, [name]: event.target.value });
  const ask = () => post('/v1/me/corrections', {
    field: asking.field, wanted: asking.wanted.trim(), ...(asking.statement.trim() ? { statement: asking.statement.trim() } : {}),
  });
  const asked = () => { setSent(true); setAsking({ field: 'name', wanted: '', statement: '' }); seen.reload(); };
  return html`
    <${Page} title=${t('me_corrections')} back=${id ? '#/inbox' : '#/me'}>
      <${Notice}>${t('corrections_say')}<//>
      ${sent && html`<${Notice} kind="good">${t('correction_sent')}<//>`}
      <form class="panel" onSubmit=${(event) => event.preventDefault()}><h2>${t('what_is_wrong')}</h2>
        <label>${t('correction_field')}<select value=${asking.field} onChange=${change('field')}>${FIELDS.map((one) => html`
          <option value=${one} selected=${one === asking.field}>${t(`correct_${one}`)}</option>`)}</select></label>
        <label>${t('correction_wanted')}<input maxlength="200" value=${asking.wanted} onInput=${change('wanted')} /></label>
        <label>${t('correction_why')}<textarea rows="4" maxlength="2000" value=${asking.statement} onInput=${change('statement')}></textarea></label>
        <${Do} disabled=${!asking.wanted.trim()} act=${ask} after=${asked}>${t('correction_ask')}<//></form>
      <${State} of=${seen} />
      ${seen.data?.cases.length > 0 && html`<h2>${t('corrections_asked')}</h2>
        <ul class="list">${seen.data.cases.map((one) => html`<li class="panel"><h3>${t(`correct_${one.correction.field}`)}: ${one.correction.wanted}</h3>
          <p>${one.decision ? t('case_decided', { decision: t(`decision_${one.decision}`) }) : t('case_due', { when: format.moment(one.due_at) })} ${one.reason ?? ''}</p>
          <p class="small">${format.moment(one.opened_at)}</p></li>`)}</ul>`}
    <//>`;
}
