// The words: Indonesian first. Which language is told by the person's preference, else by the browser.

import { indonesian } from './words-id.js';
import { english } from './words-en.js';

const ALL = { id: indonesian, en: english };
let chosen = localStorage.getItem('language') ?? (navigator.languages.some((one) => one.startsWith('id')) ? 'id' : navigator.language.startsWith('en') ? 'en' : 'id');
document.documentElement.lang = chosen;

export const language = () => chosen;

export function speak(other) {
  chosen = other;
  localStorage.setItem('language', other);
  document.documentElement.lang = other;
}

// The text of `name`, with {members} put in.
export function t(name, members = {}) {
  const text = ALL[chosen][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (whole, member) => members[member] ?? whole);
}

export const has = (name) => name in ALL[chosen];
