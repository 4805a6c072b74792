// Keeps the pages and the last data of what was looked at, and serves both where the network gives nothing.
/// <reference lib="webworker" />
declare const self: ServiceWorkerGlobalScope;
declare const SHELL: string[];
declare const BUILD: string;

const PAGES = `jaego-pages-${BUILD}`;
const DATA = "jaego-data-1";
const MOST_DATA = 300;
const PATIENCE_MS = 4_000;
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
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS));
  const answer = await (kept ? Promise.race([fresh, late]) : fresh);
  return answer?.ok ? answer : kept ?? answer ?? Response.error();
}

/** A file of the shell: its name holds its digest, so what is kept is right. */
async function asset(request: Request): Promise<Response> {
  return (await (await caches.open(PAGES)).match(request, { ignoreSearch: true })) ?? fetch(request);
}

/** Data: always asked for; what was kept, marked as such, where the answer fails. */
async function data(event: FetchEvent): Promise<Response> {
  const fresh = await fetch(event.request).catch(() => undefined);
  if (fresh?.ok) {
    event.waitUntil(keep(event.request.url, fresh.clone()));
    return fresh;
  }
  if (fresh && fresh.status < 500) return fresh;
  const kept = await (await caches.open(DATA)).match(event.request.url);
  return kept ? marked(kept) : fresh ?? Response.error();
}

function marked(kept: Response): Response {
  const headers = new Headers(kept.headers);
  headers.set("x-jaego-kept", "1");
  headers.delete("content-encoding");
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
