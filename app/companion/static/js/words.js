// The words: Indonesian first. Which language is told by the person's preference, else by the browser; the other is read when chosen.

const READ = {
  id: async () => (await import('./words-id.js')).indonesian,
  en: async () => (await import('./words-en.js')).english,
};
const ofBrowser = () => (navigator.languages.some((one) => one.startsWith('id')) || !navigator.language.startsWith('en') ? 'id' : 'en');
let chosen = localStorage.getItem('language') ?? ofBrowser();
let words = await READ[chosen]();
document.documentElement.lang = chosen;

export const language = () => chosen;

export async function speak(other) {
  words = await READ[other]();
  chosen = other;
  localStorage.setItem('language', other);
  document.documentElement.lang = other;
}

// The text of `name`, with {members} put in.
export function t(name, members = {}) {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (whole, member) => members[member] ?? whole);
}
