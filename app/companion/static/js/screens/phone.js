// Local mode only: what would have reached the phone of whoever sits here. The simulator shows what it took.

import { useEffect, useState } from '../../vendor/htm-preact.js';
import * as format from '../format.js';
import { load } from '../store.js';
import { t } from '../words.js';
import { Empty, html, Icon, Notice, Page } from '../ui.js';

const EVERY_MS = 1500;

export default function Phone({ works }) {
  const [messages, setMessages] = useState([]);
  const [mine, setMine] = useState(null);
  useEffect(() => { load('mine', 'push').then((value) => setMine(value ?? '')); }, []);
  useEffect(() => {
    if (!works?.simulator) return undefined;
    const look = async () => {
      const text = await fetch(`${works.simulator}/messages`).then((answer) => answer.text()).catch(() => '');
      setMessages(text.split('\n').filter(Boolean).map((line) => JSON.parse(line)).reverse());
    };
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, [works]);
  const person = JSON.parse(localStorage.getItem('demo') ?? 'null');
  const shown = messages.filter((one) => (one.channel === 'push' ? one.target?.value === mine : !person || [person.phone, person.email].includes(one.to)));
  return html`
    <${Page} title=${t('your_phone')} back="#/cards">
      <${Notice}>${t('local_only')}<//>
      ${shown.length === 0 && html`<${Empty}>${t('nothing_yet')}<//>`}
      <ol class="bubbles" aria-live="polite">${shown.slice(0, 40).map((one) => html`<li class="bubble ${one.channel}">
        <span class="small"><${Icon} name=${one.channel === 'push' ? 'inbox' : 'phone'} />${t(`channel_${one.channel === 'mail' ? 'email' : one.channel}`)} · ${one.to ?? ''} ${format.clock(one.at)}</span>
        ${one.channel === 'push' ? html`<strong>${push(one).title}</strong><p>${push(one).body}</p>` : html`${one.subject && html`<strong>${one.subject}</strong>`}<p class="pre">${linked(one.text)}</p>`}</li>`)}</ol>
    <//>`;
}

// The STOP page can be opened from here, as from a real message.
const linked = (text) => text.split(/(https?:\/\/\S+\/stop\/[\w-]+)/).map((part, index) => (index % 2 ? html`<a href=${part} target="_blank" rel="noopener">${part}</a>` : part));

const push = (one) => one.message?.notification ?? one.message?.message?.notification ?? one.message?.android?.notification ?? { title: 'Push', body: '' };
