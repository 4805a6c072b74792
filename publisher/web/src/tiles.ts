// Keeps the tiles of the view fresh: reads each once its time to live is over, asking with its ETag.
import { isBusy, patience, read } from "./api.ts";
import { lost } from "./freshness.ts";
import { mercatorX, mercatorY, takeTile } from "./spots.ts";
import type { Tile } from "./types.ts";

const [LEAST, MOST] = [6, 12];
/** Where outlets may lie: west, south, east, north. */
const KOREA = [124.5, 33.0, 131.9, 38.7] as const;
/** A tile of nearly the whole country is heavy: it is asked for less often. */
const SECONDS_OF_LARGE = 20;
/** What streams tell anyway is still checked now and then. */
const SECONDS_OF_STREAMED = 60;
const AT_ONCE = 4;

interface Held {
  etag: string | null;
  due: number;
  failures: number;
  reading: boolean;
}

export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

const held = new Map<string, Held>();
let wanted: string[] = [];
let streamed = false;

/** The tiles that cover a view, those of its middle first. */
export function covering(box: Box, zoom: number): string[] {
  const z = Math.min(MOST, Math.max(LEAST, Math.floor(zoom) - 2));
  const side = 2 ** z;
  const [west, south, east, north] = KOREA;
  const x = (lng: number) => Math.floor(mercatorX(Math.min(east, Math.max(west, lng))) * side);
  const y = (lat: number) => Math.floor(mercatorY(Math.min(north, Math.max(south, lat))) * side);
  const [x0, x1, y0, y1] = [x(box.west), x(box.east), y(box.north), y(box.south)];
  const keys: [number, string][] = [];
  for (let i = x0; i <= x1; i++) {
    for (let j = y0; j <= y1; j++) keys.push([Math.hypot(i - (x0 + x1) / 2, j - (y0 + y1) / 2), `${z}/${i}/${j}`]);
  }
  return keys.sort((a, b) => a[0] - b[0]).map(([, key]) => key);
}

/** From now on these tiles are kept fresh, and no others. */
export function want(keys: string[]): void {
  wanted = keys;
  turn();
}

/** Whether streams tell the changes of the view; tiles are then read less often, and at once where the streams are lost. */
export function streaming(on: boolean): void {
  const turned = on !== streamed;
  streamed = on;
  if (turned) again();
}

/** Reads the tiles of the view now, whatever their age. */
export function again(): void {
  for (const key of wanted) if (held.has(key)) held.get(key)!.due = 0;
  turn();
}

/** Starts to look once a second which tiles are due. */
export function start(): void {
  setInterval(turn, 1000);
  addEventListener("online", again);
  document.addEventListener("visibilitychange", turn);
}

function turn(): void {
  if (document.hidden) return;
  let free = AT_ONCE - [...held.values()].filter((tile) => tile.reading).length;
  for (const key of wanted) {
    const tile = held.get(key) ?? { etag: null, due: 0, failures: 0, reading: false };
    held.set(key, tile);
    if (free <= 0) return;
    if (tile.reading || tile.due > Date.now()) continue;
    free -= 1;
    void refresh(key, tile);
  }
}

async function refresh(key: string, tile: Held): Promise<void> {
  tile.reading = true;
  try {
    const got = await read<Tile>(`/v1/tiles/${key}.json`, tile.etag);
    if (got) takeTile(key, got.data);
    if (got) tile.etag = got.kept ? null : got.etag;
    tile.failures = 0;
    tile.due = Date.now() + Math.max(patience(), seconds(key, got?.kept ? 5 : got?.data.ttl ?? 1) * 1000);
  } catch (error) {
    tile.failures += 1;
    tile.due = Date.now() + Math.max(patience(), Math.min(60, 2 ** tile.failures) * (500 + Math.random() * 500));
    lost(isBusy(error));
  }
  tile.reading = false;
  turn();
}

function seconds(key: string, ttl: number): number {
  const large = Number(key.split("/")[0]) <= 7;
  return Math.max(ttl, large ? SECONDS_OF_LARGE : 0, streamed ? SECONDS_OF_STREAMED : 2);
}
