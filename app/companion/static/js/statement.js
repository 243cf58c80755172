// The entries of a card, all of them, and what they come to by year.

import { get } from './api.js';

// Newest first. `tell` is called with what is there so far after each page.
export async function readStatement(id, tell = () => {}) {
  const found = [];
  for (let cursor = ''; cursor !== null;) {
    const page = await get(`/v1/cards/${id}/statement?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    found.push(...page.entries);
    tell([...found]);
    cursor = page.next_cursor;
  }
  return found;
}

const yearOf = (entry) => Number(entry.effective_on.slice(0, 4));

// [{year, balance}], the balance at the end of each year; years without an entry keep the one before.
export function byYear(entries) {
  const last = new Map();
  for (const entry of [...entries].reverse()) last.set(yearOf(entry), entry.balance_after);
  const years = [...last.keys()].sort((a, b) => a - b);
  const points = [];
  for (let year = years[0]; year <= years.at(-1); year += 1) points.push({ year, balance: last.get(year) ?? points.at(-1).balance });
  return points;
}

// [{year, entries, balance, paid: [{name, months, amount}]}], newest first: who paid how much, and for how many months.
export function yearsOf(entries) {
  const years = new Map();
  for (const entry of entries) years.set(yearOf(entry), [...(years.get(yearOf(entry)) ?? []), entry]);
  return [...years].map(([year, found]) => ({ year, entries: found, balance: found[0].balance_after, paid: whoPaid(found) }));
}

function whoPaid(entries) {
  const paid = new Map();
  for (const entry of entries.filter((one) => one.employer && one.kind.startsWith('contribution'))) {
    const { name, months = new Set(), amount = 0 } = paid.get(entry.employer.id) ?? { name: entry.employer.name };
    paid.set(entry.employer.id, { name, months: entry.month ? months.add(entry.month) : months, amount: amount + entry.amount });
  }
  return [...paid.values()].map((one) => ({ ...one, months: one.months.size }));
}

// The years of several cards in one: [{year, balance, parts: [balance of each]}].
export function together(statements) {
  const points = statements.map(byYear);
  const years = points.flat().map((one) => one.year);
  const all = [];
  for (let year = Math.min(...years); year <= Math.max(...years); year += 1) {
    const parts = points.map((one) => one.findLast((point) => point.year <= year)?.balance ?? 0);
    all.push({ year, balance: parts.reduce((sum, part) => sum + part, 0), parts });
  }
  return all;
}
