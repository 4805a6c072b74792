// The outlets of the view with name, hours and notice, nearest first; from what is kept where the network fails.
import { read } from "./api.ts";
import { seen } from "./freshness.ts";
import { metres, takeRows } from "./spots.ts";
import type { Box } from "./tiles.ts";
import { Signal } from "./signal.ts";
import type { Head, Row } from "./types.ts";
import { me, OUTLETS_FROM, view, type Place } from "./view.ts";

const LIMIT = 300;
const REFRESH_MS = 15_000;
/** So many kept answers are looked through, the youngest. */
const MOST_KEPT = 20;

export interface Rows {
  state: "none" | "loading" | "ready" | "failed";
  list: Row[];
  total: number;
  from: Place | null;
  nearMe: boolean;
}

export const rows = new Signal<Rows>({ state: "none", list: [], total: 0, from: null, nearMe: false });
let timer: ReturnType<typeof setTimeout> | undefined;
let asked = 0;

/** Reads anew, a moment after the view came to rest. */
function soon(ms: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void load(), ms);
}

export function start(): void {
  view.follow(() => soon(250));
  me.follow(() => soon(50));
  document.addEventListener("visibilitychange", () => document.hidden || soon(0));
  addEventListener("online", () => soon(0));
  soon(0);
}

/** The same question for views that hardly differ, so that caches can answer it. */
function question(centre: Place, box: { north: number; east: number }): string {
  const radius = Math.min(5000, Math.max(300, metres(centre, { lat: box.north, lng: box.east })));
  const step = radius > 2000 ? 0.005 : 0.002;
  const round = (degrees: number) => (Math.round(degrees / step) * step).toFixed(3);
  return `/v1/nearby?lat=${round(centre.lat)}&lng=${round(centre.lng)}&radius_m=${Math.ceil(radius / 250) * 250}&limit=${LIMIT}`;
}

async function load(): Promise<void> {
  const now = view.value;
  if (!now || document.hidden) return;
  if (now.zoom < OUTLETS_FROM) return void (rows.value = { state: "none", list: [], total: 0, from: null, nearMe: false });
  const turn = ++asked;
  if (rows.value.state === "none") rows.value = { ...rows.value, state: "loading" };
  try {
    const got = await read<Head & { outlets: Row[]; total?: number }>(question(now.centre, now.box));
    if (turn !== asked || !got) return;
    takeRows(got.data.outlets, got.data.version);
    put(got.data.outlets, got.data.total ?? got.data.outlets.length, now.centre);
  } catch {
    const kept = await remembered(now.box);
    if (turn !== asked) return;
    if (kept.length > 0) put(kept, kept.length, now.centre);
    else rows.value = { ...rows.value, list: [], state: "failed" };
  }
  soon(REFRESH_MS);
}

/** Rows in a box out of the answers that the service worker kept, whatever was asked then. */
async function remembered(box: Box): Promise<Row[]> {
  if (typeof caches === "undefined") return [];
  const cache = await caches.open("jaego-data-1");
  const asked = (await cache.keys()).filter(({ url }) => url.includes("/v1/nearby?")).slice(-MOST_KEPT);
  const found = new Map<string, Row>();
  for (const request of asked) {
    const { outlets, last_updated } = (await (await cache.match(request))!.json()) as Head & { outlets: Row[] };
    seen(Date.parse(last_updated), true);
    for (const row of outlets) if (inside(row, box)) found.set(row.id, row);
  }
  return [...found.values()];
}

const inside = ({ lat, lng }: Row, box: Box): boolean =>
  lat !== null && lng !== null && lng > box.west && lng < box.east && lat > box.south && lat < box.north;

/** Those in the view; measured from the visitor when that is where the view is. */
function put(found: Row[], total: number, centre: Place): void {
  const here = me.value;
  const nearMe = here !== null && metres(here, centre) < 5000;
  const from = nearMe ? here : centre;
  const placed = found.filter((row) => row.lat !== null && row.lng !== null);
  const list = placed.map((row) => ({ ...row, distance_m: metres(from, row as Place) })).sort((a, b) => a.distance_m - b.distance_m);
  rows.value = { state: "ready", list, total: Math.max(total, list.length), from, nearMe };
}
