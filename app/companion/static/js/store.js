// What the app keeps on this phone: its key, its session, what was last seen, and what was sent without an answer yet.

const TABLES = ['mine', 'seen', 'unanswered'];

const opened = new Promise((resolve, reject) => {
  const asked = indexedDB.open('sepakat', 1);
  asked.onupgradeneeded = () => TABLES.forEach((name) => asked.result.createObjectStore(name));
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
});

async function act(table, mode, work) {
  const database = await opened;
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(table, mode);
    const asked = work(transaction.objectStore(table));
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const load = (table, name) => act(table, 'readonly', (store) => store.get(name));
export const save = (table, name, value) => act(table, 'readwrite', (store) => store.put(value, name));
export const remove = (table, name) => act(table, 'readwrite', (store) => store.delete(name));
export const list = (table) => act(table, 'readonly', (store) => store.getAll());
export const forget = () => Promise.all(TABLES.map((table) => act(table, 'readwrite', (store) => store.clear())));
