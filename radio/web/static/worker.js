// Keeps the page's own files for a day without a network. Never touches sound, playlists or news: those are live or nothing.
const CACHE = "lofi-radio-{{version}}";
const home = new URL("./", self.location).pathname;
const PAGE = /^(?:[a-z0-9-]+\/)?$/, STATIC = /^static\//;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("lofi-radio-") && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url), path = url.pathname.slice(home.length);
  if (request.method !== "GET" || url.origin !== self.location.origin || !url.pathname.startsWith(home)) return;
  if (STATIC.test(path) || (request.mode === "navigate" && PAGE.test(path))) event.respondWith(fresh(request));
});

async function fresh(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch (away) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw away;
  }
}
