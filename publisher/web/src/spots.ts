// The outlets that are known to the page: where each lies, what it has, and as of which version.
import { Signal } from "./signal.ts";
import { LEVELS, TYPES, type Row, type Short, type Tile } from "./types.ts";

export interface Spot {
  id: string;
  lat: number;
  lng: number;
  /** Web mercator, 0..1 from west and north. */
  x: number;
  y: number;
  type: number;
  level: number;
  count: number | null;
  /** Seconds since 1970. */
  changed: number | null;
  silent: boolean;
  version: number;
  name?: string;
  /** When it changed before our eyes, by performance.now(); for the pulse. */
  pulse?: number;
}

export const ITEM = "mask";
const all = new Map<string, Spot>();
/** Which outlets a tile held when it was read last. */
const ofTile = new Map<string, Set<string>>();

/** Counts up whenever an outlet changes. */
export const changes = new Signal(0);
const changed = (): void => void (changes.value += 1);

export const spots = (): Iterable<Spot> => all.values();
export const spot = (id: string): Spot | undefined => all.get(id);
export const known = (): number => all.size;

const RADIANS = Math.PI / 180;
export const mercatorX = (lng: number): number => lng / 360 + 0.5;
export const mercatorY = (lat: number): number => 0.5 - Math.asinh(Math.tan(lat * RADIANS)) / (2 * Math.PI);

type Facts = Omit<Spot, "x" | "y" | "pulse">;

/** Takes what a document says of an outlet, unless a newer one spoke already. */
function put(facts: Facts): boolean {
  const before = all.get(facts.id);
  if (before && before.version > facts.version) return false;
  const same = before && before.level === facts.level && before.count === facts.count && before.silent === facts.silent;
  if (before && same && before.lat === facts.lat && before.lng === facts.lng) {
    before.version = facts.version;
    before.changed = facts.changed;
    before.name ??= facts.name;
    return false;
  }
  const pulse = before && before.level !== facts.level ? performance.now() : before?.pulse;
  const name = facts.name ?? before?.name;
  all.set(facts.id, { ...facts, name, pulse, x: mercatorX(facts.lng), y: mercatorY(facts.lat) });
  return true;
}

function remove(id: string, version: number): boolean {
  const before = all.get(id);
  return before !== undefined && before.version <= version && all.delete(id);
}

export function takeTile(key: string, tile: Tile): void {
  const levels = tile.levels.map((level) => LEVELS.indexOf(level));
  const types = tile.types.map((type) => TYPES.indexOf(type));
  const fact = ([id, lat, lng, type, level, count, at, silent]: Short): Facts => ({
    id, lat, lng, type: types[type]!, level: levels[level]!, count, changed: at, silent: silent === 1, version: tile.version,
  });
  const ids = new Set(tile.outlets.map(([id]) => id));
  let any = false;
  for (const gone of ofTile.get(key) ?? []) if (!ids.has(gone)) any = remove(gone, tile.version) || any;
  for (const short of tile.outlets) any = put(fact(short)) || any;
  ofTile.set(key, ids);
  if (any) changed();
}

/** Takes whole rows, as of a version. */
export function takeRows(rows: Row[], version: number): void {
  let any = false;
  for (const row of rows) {
    if (row.lat === null || row.lng === null) continue;
    const stock = row.stock.find((stock) => stock.item === ITEM);
    const facts: Facts = {
      id: row.id, lat: row.lat, lng: row.lng, name: row.name, version, silent: row.silent,
      type: TYPES.indexOf(row.type),
      level: LEVELS.indexOf(stock?.level ?? "unknown"),
      count: stock?.count ?? null,
      changed: stock ? Math.floor(Date.parse(stock.changed_at) / 1000) : null,
    };
    any = put(facts) || any;
  }
  if (any) changed();
}

export function takeRemoved(ids: string[], version: number): void {
  if (ids.filter((id) => remove(id, version)).length > 0) changed();
}

/** Metres between two places, on a sphere. */
export function metres(a: { lat: number; lng: number }, b: { lat: number; lng: number }): number {
  const [dLat, dLng] = [(b.lat - a.lat) * RADIANS, (b.lng - a.lng) * RADIANS];
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * Math.sin(dLng / 2) ** 2;
  return 12_742_000 * Math.asin(Math.sqrt(h));
}
