// What the list beside the map holds: the rows that were read, and for the rest of the screen what the map itself knows.
import { chosen, shown } from "./filter.ts";
import { infoOf } from "./names.ts";
import { inside, rows } from "./rows.ts";
import { metres, spot, spots, type Spot } from "./spots.ts";
import { TYPES, type Info, type Row } from "./types.ts";
import { view } from "./view.ts";

/** More than this nobody scrolls through; the map and the filter lead further. */
const MOST_SHOWN = 100;
/** Names are worth reading where one of so many lines lacks its own. */
const FIRST = 20;

export interface Listed {
  /** The nearest, those without a name only where there are no others. */
  lines: Row[];
  /** How many of the chosen levels there are on the screen. */
  total: number;
  /** One of the first lines has no name. */
  nameless: boolean;
}

export const levelNow = (row: Row): number => spot(row.id)?.level ?? 5;

export function listed(): Listed {
  const { list, from, nearMe, state } = rows.value;
  const box = view.value?.box;
  if (!box || !from || state === "loading") return { lines: [], total: 0, nameless: false };
  const read = list.filter((row) => chosen(levelNow(row)) && (nearMe || inside(row, box)));
  const ids = new Set(read.map(({ id }) => id));
  const rest = [...spots()].filter((spot) => shown(spot) && inside(spot, box) && !ids.has(spot.id));
  const more = read.length < MOST_SHOWN ? rest.map((spot) => ({ ...rowOf(spot), distance_m: metres(from, spot) })) : [];
  const near = [...read, ...more].sort((a, b) => a.distance_m! - b.distance_m!);
  const named = near.filter(({ name }) => name !== "");
  const nameless = near.slice(0, FIRST).some(({ name }) => name === "");
  return { lines: (named.length > 0 ? named : near).slice(0, MOST_SHOWN), total: near.length + rest.length - more.length, nameless };
}

/** A row of what the map and the registry know of an outlet; without a name where the registry was not read. */
function rowOf({ id, lat, lng, name, type, silent }: Spot): Row {
  const bare: Info = { id, name: name ?? "", type: TYPES[type]!, addr: "", region: null, lat, lng, hours: null };
  return { ...(infoOf(id) ?? bare), notice: null, silent, received_at: null, stock: [] };
}
