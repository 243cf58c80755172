// Keeps the shell, so that the app opens without a network. What the API said is kept by the app itself, dated.
const KEPT = 'shell-2';
const MODULES = [
  'announcement', 'api', 'chart', 'device', 'format', 'live', 'main', 'receipt', 'screens/card', 'screens/cards', 'screens/contact',
  'screens/corrections', 'screens/enrol', 'screens/frozen', 'screens/growth', 'screens/inbox', 'screens/matches', 'screens/me',
  'screens/merge-after', 'screens/merge-plan', 'screens/merge-reported', 'screens/merge', 'screens/merges', 'screens/phone',
  'screens/receipt', 'screens/settings', 'screens/statement', 'screens/support', 'screens/ways', 'statement', 'store', 'ui', 'words-en',
  'words-id', 'words', 'works',
];
const SHELL = ['/', '/companion/app.css', '/companion/vendor/htm-preact.js', ...MODULES.map((name) => `/companion/js/${name}.js`)];

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const ours = origin === location.origin && (pathname === '/' || pathname === '/manifest.webmanifest' || pathname.startsWith('/companion/'));
  if (event.request.method !== 'GET' || !ours) return;
  event.respondWith(fetch(event.request)
    .then((answer) => {
      if (answer.ok) { const copy = answer.clone(); caches.open(KEPT).then((cache) => cache.put(event.request, copy)); }
      return answer;
    })
    .catch(() => caches.match(event.request)));
});
