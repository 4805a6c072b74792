// A stand-in for the open API, for work on the pages alone: synthetic outlets over Korea that sell and fall silent. Not for production.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "../dist");
const port = Number(process.argv[2] ?? 8090);
const wantedOutlets = Number(process.argv[3] ?? 25_000);
const LEVELS = ["plenty", "some", "few", "empty", "break", "unknown"];
const TYPES = ["pharmacy", "post_office", "mart"];

let seed = 2020;
/** Mulberry-like: the same country at every start. */
function random() {
  seed = (seed * 1664525 + 1013904223) >>> 0;
  return seed / 2 ** 32;
}
const normal = () => random() + random() + random() + random() - 2;
const pick = (list) => list[Math.floor(random() * list.length)];

const districts = readFileSync(join(here, "../../../schemas/src/regions.tsv"), "utf8").split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => line.split("\t"))
  .map(([code, sido, sigungu, lat, lng, pharmacies]) => ({ code, sido, sigungu, lat: +lat, lng: +lng, pharmacies: +pharmacies }))
  .filter(({ pharmacies }) => pharmacies > 0);
const total = districts.reduce((sum, { pharmacies }) => sum + pharmacies, 0);

const iso = (ms) => `${new Date(ms + 9 * 3_600_000).toISOString().slice(0, 19)}+09:00`;
const levelOf = (count) => (count >= 100 ? "plenty" : count >= 30 ? "some" : count >= 2 ? "few" : "empty");

let version = 1;
let changedAt = Date.now();
let frozen = false;
/** Since when the writing side is in every trouble there is; 0 while it is in none. */
let troubled = 0;
const outlets = new Map();

function makeOutlet(n, district) {
  const spread = /구$/.test(district.sigungu) ? 0.022 : 0.07;
  const type = random() < 0.88 ? 0 : random() < 0.5 ? 1 : 2;
  const name = pick(["온누리", "우리", "건강한", "중앙", "새봄", "참사랑", "푸른", "행복", "정다운", "시민"]) + ["약국", "우체국", "하나로마트"][type];
  const kind = random();
  const id = String(10_000_000 + n);
  const row = {
    id, name, type: TYPES[type], addr: `${district.sido} ${district.sigungu} 가온로 ${n % 300}`, region: district.code,
    lat: +(district.lat + normal() * spread).toFixed(6), lng: +(district.lng + normal() * spread * 1.2).toFixed(6),
    hours: random() < 0.9 ? [...Array(5).fill(["00:30", "23:30"]), ["09:00", "15:00"], null] : null,
    notice: random() < 0.05 ? { ko: "오후 2시부터 번호표를 나눠 드립니다.", en: "Number tickets from 2 pm.", sells_from: 840, tickets: true } : null,
    silent: kind < 0.03, received_at: null, stock: [],
  };
  if (kind >= 0.03 && kind < 0.07) return row;
  const count = random() < 0.25 ? Math.floor(100 + random() * 200) : random() < 0.4 ? Math.floor(30 + random() * 70) : random() < 0.5 ? Math.floor(2 + random() * 28) : 0;
  const paused = random() < 0.04;
  const at = Date.now() - Math.floor(random() * 3_600_000) - (row.silent ? 3_600_000 : 0);
  row.received_at = iso(at);
  row.stock = [{ item: "mask", level: row.silent ? "unknown" : paused ? "break" : levelOf(count), count, promised: random() < 0.05 ? 4 : 0, paused, gap: random() < 0.01, observed_at: iso(at), received_at: iso(at), changed_at: iso(at), arrived_at: iso(at - 3_600_000) }];
  return row;
}

for (const district of districts) {
  const share = Math.round((district.pharmacies / total) * wantedOutlets);
  for (let n = 0; n < share; n++) {
    const row = makeOutlet(outlets.size, district);
    outlets.set(row.id, row);
  }
}

const head = () => ({ version, last_updated: iso(changedAt), ttl: 1 });
const levelName = (row) => row.stock[0]?.level ?? "unknown";

function tile(z, x, y) {
  const side = 2 ** z;
  const lng = (x) => (x / side) * 360 - 180;
  const lat = (y) => (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / side))) * 180) / Math.PI;
  const [west, east, north, south] = [lng(x), lng(x + 1), lat(y), lat(y + 1)];
  const rows = [...outlets.values()].filter((row) => row.lng >= west && row.lng < east && row.lat > south && row.lat <= north);
  const short = (row) => [row.id, row.lat, row.lng, TYPES.indexOf(row.type), LEVELS.indexOf(levelName(row)), row.stock[0]?.count ?? null, row.stock[0] ? Math.floor(Date.parse(row.stock[0].changed_at) / 1000) : null, +row.silent];
  return { ...head(), ttl: z <= 8 ? 10 : 1, item: "mask", types: TYPES, levels: LEVELS, outlets: rows.map(short) };
}

function region(code, name, rows) {
  const levels = Object.fromEntries(LEVELS.map((level) => [level, 0]));
  for (const row of rows) levels[levelName(row)] += 1;
  const [lats, lngs] = [rows.map((row) => row.lat), rows.map((row) => row.lng)];
  const bbox = rows.length ? [Math.min(...lngs), Math.min(...lats), Math.max(...lngs), Math.max(...lats)] : null;
  return { code, name_ko: name, within: code.length === 5 ? code.slice(0, 2) : null, outlets: rows.length, silent: rows.filter((row) => row.silent).length, bbox, levels: { mask: levels } };
}

function regions() {
  const by = new Map();
  for (const row of outlets.values()) {
    for (const code of [row.region.slice(0, 2), row.region]) by.has(code) ? by.get(code).push(row) : by.set(code, [row]);
  }
  const provinces = [...new Map(districts.map(({ code, sido }) => [code.slice(0, 2), sido]))];
  return { ...head(), regions: [
    ...provinces.map(([code, sido]) => region(code, sido, by.get(code) ?? [])),
    ...districts.map(({ code, sido, sigungu }) => region(code, sigungu === sido ? sido : `${sido} ${sigungu}`, by.get(code) ?? [])),
  ] };
}

function metres(a, b, c, d) {
  const r = Math.PI / 180;
  const h = Math.sin(((c - a) * r) / 2) ** 2 + Math.cos(a * r) * Math.cos(c * r) * Math.sin(((d - b) * r) / 2) ** 2;
  return 12_742_000 * Math.asin(Math.sqrt(h));
}

function nearby(params) {
  const [lat, lng, radius, limit] = ["lat", "lng", "radius_m", "limit"].map((name) => Number(params.get(name)));
  const worst = LEVELS.indexOf(params.get("min_level") ?? "unknown");
  const [west, south, east, north] = (params.get("bbox") ?? "").split(",").map(Number);
  const inside = (row) => row.lng >= west && row.lng <= east && row.lat >= south && row.lat <= north;
  const near = (row) => ({ ...row, distance_m: Math.round(metres(lat, lng, row.lat, row.lng)) });
  const all = [...outlets.values()].filter((row) => LEVELS.indexOf(levelName(row)) <= worst);
  const found = params.has("bbox") ? all.filter(inside) : all.map(near).filter((row) => row.distance_m <= (radius || 1000)).sort((a, b) => a.distance_m - b.distance_m);
  return { ...head(), total: found.length, outlets: found.slice(0, limit || 100) };
}

const policies = () => ({
  ...head(),
  today: { date: "2020-03-11", weekday: "wed", everyone: false, birth_digits: [3, 8], number_digits: null, holiday: null,
    rules: [{ group: "mask", items: ["mask"], quantity: 2, window: "week", gate: "digits", words: { ko: "한 주에 2개씩, 출생연도 끝자리에 맞는 요일에 살 수 있습니다.", en: "Two a week, on the weekday of the last digit of your birth year." }, source: "" }] },
  schedule: { policies: [{ effective_from: "2020-03-09T00:00:00+09:00", group: "mask", days: { by: "birth_year", week: [{ digits: [1, 6] }, { digits: [2, 7] }, { digits: [3, 8] }, { digits: [4, 9] }, { digits: [5, 0] }, "catch_up", "catch_up"] } }] },
});

function status() {
  const rows = [...outlets.values()];
  const levels = Object.fromEntries(LEVELS.map((level) => [level, rows.filter((row) => levelName(row) === level).length]));
  const hop = (hop, p50_ms, p99_ms) => ({ hop, count: 4812, p50_ms, p99_ms });
  return {
    ...head(), age_ms: Date.now() - changedAt, source: frozen ? "stale" : "live",
    hops: [hop("pos_to_received", 12.4, 88), hop("received_to_committed", 2.1, 9.8), hop("committed_to_applied", 0.6, 3.2), hop("applied_to_published", 510, frozen ? 42_000 : 1012)],
    durability: "fsynced", entries: { report: 48_120, delta: 210_311, notice: 44 }, rejected: { stale_terminal: 3, unknown_item: 11 }, clocks_off: 7,
    writing: troubled ? trouble() : { degraded: [], dead: false, held: false, shed: [] },
    applied: 258_475, committed: 258_477, journal_bytes: 48_211_204,
    outlets: { registered: rows.length, heard: rows.filter((row) => row.stock.length).length, silent: rows.filter((row) => row.silent).length, unregistered: 12, levels },
    items: { mask: { outlets: rows.length, count: 1 } },
  };
}

const trouble = () => ({
  degraded: ["nats_gone", "disk_full", "journal_slow"].map((mode, n) => ({ mode, since: iso(troubled - n * 3_600_000) })),
  dead: true, dead_since: iso(troubled), held: true, held_since: iso(troubled), shed: [{ class: "check", since: iso(troubled) }],
});

const streams = new Set();

/** Sells a little each second, and tells the streams. */
function sell() {
  if (frozen) return;
  version += 1;
  changedAt = Date.now();
  const all = [...outlets.values()];
  const sold = Array.from({ length: Math.ceil(all.length / 50) }, () => all[Math.floor(Math.random() * all.length)]).filter((row) => row.stock[0] && !row.silent && !row.stock[0].paused);
  for (const row of sold) {
    const stock = row.stock[0];
    stock.count = stock.count < 2 ? Math.floor(Math.random() * 150) : Math.max(0, stock.count - Math.ceil(Math.random() * 12));
    stock.level = levelOf(stock.count);
    stock.observed_at = stock.received_at = stock.changed_at = row.received_at = iso(changedAt);
  }
  for (const { region, response } of streams) {
    const upserts = sold.filter((row) => !region || row.region.startsWith(region));
    response.write(`event: changes\nid: ${version}\ndata: ${JSON.stringify({ ...head(), upserts, removed: [] })}\n\n`);
  }
}
setInterval(sell, 1000);

function stream(request, response, region) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": here\n\n");
  const one = { region, response };
  streams.add(one);
  request.on("close", () => streams.delete(one));
}

function answer(path, params) {
  const parts = path.split("/").slice(2);
  if (path === "/v1/regions.json") return regions();
  if (path === "/v1/policies.json") return policies();
  if (path === "/v1/status.json") return status();
  if (path === "/v1/nearby") return nearby(params);
  if (path === "/v1/outlets.json") return { ...head(), outlets: [...outlets.values()].map(({ notice, silent, received_at, stock, ...info }) => info) };
  if (parts[0] === "tiles") return tile(+parts[1], +parts[2], +parts[3].replace(".json", ""));
  if (parts[0] === "outlets") return outlets.has(parts[1]) ? { ...head(), outlet: outlets.get(parts[1]) } : null;
  return null;
}

function send(request, response, code, type, body, cache) {
  const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
  const headers = { "content-type": type, etag, "cache-control": cache, "content-security-policy": "default-src 'self'; img-src 'self' data:; worker-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'" };
  if (request.headers["if-none-match"] === etag) return response.writeHead(304, headers).end();
  const small = body.length > 500 && /gzip/.test(request.headers["accept-encoding"] ?? "");
  response.writeHead(code, { ...headers, ...(small ? { "content-encoding": "gzip" } : {}) }).end(small ? gzipSync(body, { level: 1 }) : body);
}

const MEDIA = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png", ".webmanifest": "application/manifest+json" };

function file(request, response, path) {
  const name = { "/": "/index.html", "/status": "/status.html" }[path] ?? path;
  const full = join(dist, name);
  if (name.includes("..") || !existsSync(full) || !extname(name)) return send(request, response, 404, "text/plain", "not found", "no-store");
  send(request, response, 200, MEDIA[extname(name)] ?? "application/octet-stream", readFileSync(full), name.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
}

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  if (pathname === "/dev/freeze") return send(request, response, 200, "text/plain", String((frozen = searchParams.get("on") === "1")), "no-store");
  if (pathname === "/dev/trouble") return send(request, response, 200, "text/plain", String((troubled = searchParams.get("on") === "1" ? Date.now() : 0)), "no-store");
  if (pathname === "/v1/stream") return stream(request, response, searchParams.get("region"));
  if (!pathname.startsWith("/v1/")) return file(request, response, pathname);
  const data = answer(pathname, searchParams);
  if (data) return send(request, response, 200, "application/json", JSON.stringify(data), "public, max-age=1, stale-while-revalidate=10");
  send(request, response, 404, "application/problem+json", JSON.stringify({ title: "Not found", status: 404 }), "no-store");
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port} with ${outlets.size} outlets`));
