// Keeps the pages and the last data of what was looked at, and serves both where the network gives nothing.
/// <reference lib="webworker" />
declare const self: ServiceWorkerGlobalScope;
declare const SHELL: string[];
declare const BUILD: string;

const PAGES = `jaego-pages-${BUILD}`;
const DATA = "jaego-data-1";
const MOST_DATA = 300;
const PATIENCE_MS = 4_000;
/** A connection that gave nothing for so long is given up; a browser has but six. */
const GIVE_UP_MS = 20_000;
/** Never kept: endless, or as many as there are visitors. */
const PASSING = /^\/v1\/(stream|changes|versions)/;

self.addEventListener("install", (event) => event.waitUntil(precache()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/v1/")) {
    if (!PASSING.test(url.pathname)) event.respondWith(data(event));
  } else if (event.request.mode === "navigate") {
    if (url.pathname === "/" || url.pathname === "/status") event.respondWith(page(event.request, url.pathname));
  } else if (SHELL.includes(url.pathname)) event.respondWith(asset(event.request));
});

async function precache(): Promise<void> {
  const cache = await caches.open(PAGES);
  await cache.addAll(SHELL.map((url) => new Request(url, { cache: "no-cache" })));
  await self.skipWaiting();
}

async function takeOver(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith("jaego-pages-") && name !== PAGES);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** A page: from the network where it answers soon, else as it was kept. */
async function page(request: Request, path: string): Promise<Response> {
  const kept = await (await caches.open(PAGES)).match(path);
  const fresh = fetch(request).catch(() => undefined);
  const answer = await (kept ? Promise.race([fresh, later()]) : fresh);
  return answer?.ok ? answer : kept ?? answer ?? Response.error();
}

/** A file of the shell: its name holds its digest, so what is kept is right. */
async function asset(request: Request): Promise<Response> {
  return (await (await caches.open(PAGES)).match(request, { ignoreSearch: true })) ?? fetch(request);
}

/** Data: always asked for; what was kept, marked as such, where the answer fails or does not come soon. */
async function data(event: FetchEvent): Promise<Response> {
  const kept = await (await caches.open(DATA)).match(event.request.url);
  const fresh = patiently(event.request);
  // One that comes late is kept for the next time all the same.
  event.waitUntil(fresh.then((answer) => (answer?.ok ? keep(event.request.url, answer.clone()) : undefined)));
  const answer = await (kept ? Promise.race([fresh, later()]) : fresh);
  if (answer && !isBusy(answer.status)) return answer;
  return kept ? marked(kept, answer) : answer ?? Response.error();
}

/** Whether the same question may well be answered a little later. */
const isBusy = (status: number): boolean => status >= 500 || status === 429;

const later = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));

/** An answer, or none where there is no connection or nothing comes over it. */
async function patiently(request: Request): Promise<Response | undefined> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), GIVE_UP_MS);
  const answer = await fetch(request, { signal: stop.signal }).catch(() => undefined);
  clearTimeout(timer);
  return answer;
}

/** What was kept, with the reason: the server is busy, or gave nothing. */
function marked(kept: Response, refusal: Response | undefined): Response {
  const headers = new Headers(kept.headers);
  headers.set("x-jaego-kept", refusal ? "busy" : "1");
  headers.delete("content-encoding");
  headers.delete("retry-after");
  const wait = refusal?.headers.get("retry-after");
  if (wait) headers.set("retry-after", wait);
  return new Response(kept.body, { status: 200, headers });
}

/** Keeps an answer as the youngest; the oldest go. */
async function keep(url: string, response: Response): Promise<void> {
  const cache = await caches.open(DATA);
  const before = await cache.match(url);
  if (before && before.headers.get("etag") === response.headers.get("etag") && response.headers.has("etag")) return;
  await cache.delete(url);
  await cache.put(url, response);
  const urls = await cache.keys();
  await Promise.all(urls.slice(0, Math.max(0, urls.length - MOST_DATA)).map((request) => cache.delete(request)));
}

export {};
