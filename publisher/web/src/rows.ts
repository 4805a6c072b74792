// The outlets of the view with name, hours and notice, nearest first; from what is kept where the network fails.
import { isBusy, patience, read } from "./api.ts";
import { least, levels } from "./filter.ts";
import { seen, type Way } from "./freshness.ts";
import { metres, spots, takeRows } from "./spots.ts";
import type { Box } from "./tiles.ts";
import { Signal } from "./signal.ts";
import { LEVELS, type Head, type Row } from "./types.ts";
import { me, OUTLETS_FROM, view, type Place } from "./view.ts";

const LIMIT = 300;
/** No wider circle is asked for; a view that is wider is asked for as a box where it holds no more than the limit. */
const MOST_METRES = 5000;
const REFRESH_MS = 15_000;
const LATE_TILES_MS = 1_500;
/** So many kept answers are looked through, the youngest. */
const MOST_KEPT = 20;

export interface Rows {
  state: "none" | "loading" | "ready" | "failed";
  list: Row[];
  from: Place | null;
  nearMe: boolean;
}

export const rows = new Signal<Rows>({ state: "none", list: [], from: null, nearMe: false });
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
  levels.follow(() => soon(50));
  document.addEventListener("visibilitychange", () => document.hidden || soon(0));
  addEventListener("online", () => soon(0));
  soon(0);
}

/** The same question for views that hardly differ, so that caches can answer it; only for levels that the filter shows, as far as can be asked. */
function question(centre: Place, box: Box): string {
  const worst = least();
  const level = worst === null ? "" : `&min_level=${LEVELS[worst]}`;
  const reach = metres(centre, { lat: box.north, lng: box.east });
  const asked = reach > MOST_METRES && isFew(box, worst) ? bounds(box) : circle(centre, reach);
  return `/v1/nearby?${asked}&limit=${LIMIT}${level}`;
}

function circle(centre: Place, reach: number): string {
  const radius = Math.min(MOST_METRES, Math.max(300, reach));
  const step = radius > 2000 ? 0.005 : 0.002;
  const round = (degrees: number) => (Math.round(degrees / step) * step).toFixed(3);
  return `lat=${round(centre.lat)}&lng=${round(centre.lng)}&radius_m=${Math.ceil(radius / 250) * 250}`;
}

/** A box of whole hundredths around another. */
function bounds({ west, south, east, north }: Box): string {
  const [down, up] = [Math.floor, Math.ceil].map((round) => (degrees: number) => (round(degrees * 100) / 100).toFixed(2));
  return `bbox=${down!(west)},${down!(south)},${up!(east)},${up!(north)}`;
}

/** Whether a box holds no more than the limit, and anything at all as far as is known. */
function isFew(box: Box, worst: number | null): boolean {
  const here = [...spots()].filter((spot) => inside(spot, box) && (worst === null || spot.level <= worst)).length;
  return here > 0 && here < LIMIT * 0.8;
}

async function load(): Promise<void> {
  timer = undefined;
  const now = view.value;
  if (!now || document.hidden) return;
  if (now.zoom < OUTLETS_FROM) return void (rows.value = { state: "none", list: [], from: null, nearMe: false });
  const turn = ++asked;
  if (rows.value.state === "none") rows.value = { ...rows.value, state: "loading" };
  const url = question(now.centre, now.box);
  try {
    const got = await read<Head & { outlets: Row[] }>(url);
    if (turn !== asked || !got) return;
    takeRows(got.data.outlets, got.data.version);
    put(got.data.outlets, now.centre);
  } catch (error) {
    const kept = await remembered((row) => inside(row, now.box), isBusy(error) ? "busy" : "kept").catch(() => []);
    if (turn !== asked) return;
    if (kept.length > 0) put(kept, now.centre);
    else put(rows.value.list.filter((row) => inside(row, now.box)), now.centre, "failed");
  }
  // A view that moved meanwhile has its own turn already; where the tiles came after the question, it is asked as it should have been.
  if (timer !== undefined) return;
  soon(Math.max(REFRESH_MS, patience()));
  setTimeout(() => turn === asked && view.value === now && question(now.centre, now.box) !== url && soon(0), LATE_TILES_MS);
}

/** The row of an outlet that was read before: of the list, or of what the service worker kept. */
export const inMemory = (id: string): Row | undefined => rows.value.list.find((row) => row.id === id);
export const ofMemory = async (id: string): Promise<Row | undefined> => inMemory(id) ?? (await remembered((row) => row.id === id))[0];

/** Rows out of the answers that the service worker kept, whatever was asked then; the youngest of each outlet. */
async function remembered(fits: (row: Row) => boolean, way?: Way): Promise<Row[]> {
  if (typeof caches === "undefined") return [];
  const cache = await caches.open("jaego-data-1");
  const asked = (await cache.keys()).filter(({ url }) => url.includes("/v1/nearby?")).slice(-MOST_KEPT);
  const found = new Map<string, Row>();
  for (const request of asked) {
    const { outlets, last_updated } = (await (await cache.match(request))!.json()) as Head & { outlets: Row[] };
    if (way) seen(Date.parse(last_updated), way);
    for (const row of outlets) if (fits(row)) found.set(row.id, row);
  }
  return [...found.values()];
}

export const inside = ({ lat, lng }: { lat: number | null; lng: number | null }, box: Box): boolean =>
  lat !== null && lng !== null && lng > box.west && lng < box.east && lat > box.south && lat < box.north;

/** Measured from the visitor when that is where the view is. */
function put(found: Row[], centre: Place, state: Rows["state"] = "ready"): void {
  const here = me.value;
  const nearMe = here !== null && metres(here, centre) < 5000;
  const from = nearMe ? here : centre;
  const placed = found.filter((row) => row.lat !== null && row.lng !== null);
  const list = placed.map((row) => ({ ...row, distance_m: metres(from, row as Place) })).sort((a, b) => a.distance_m - b.distance_m);
  rows.value = { state, list, from, nearMe };
}
