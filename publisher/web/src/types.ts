// The shapes of the native API that the pages read.

export const LEVELS = ["plenty", "some", "few", "empty", "break", "unknown"] as const;
export type Level = (typeof LEVELS)[number];
export const TYPES = ["pharmacy", "post_office", "mart"] as const;
export type OutletType = (typeof TYPES)[number];

/** What every document carries. */
export interface Head {
  version: number;
  last_updated: string;
  ttl: number;
}

export interface Notice {
  ko?: string | null;
  en?: string | null;
  sells_from?: number | null;
  tickets?: boolean;
}

export interface Stock {
  item: string;
  level: Level;
  count: number | null;
  promised: number;
  paused: boolean;
  gap: boolean;
  observed_at: string;
  received_at: string;
  changed_at: string;
  arrived_at: string;
}

export type Hours = ([string, string] | null)[];

/** An outlet without its stock: a row of `/v1/outlets.json`. */
export interface Info {
  id: string;
  name: string;
  type: OutletType;
  addr: string;
  region: string | null;
  lat: number | null;
  lng: number | null;
  hours: Hours | null;
}

export interface Row extends Info {
  notice: Notice | null;
  silent: boolean;
  received_at: string | null;
  stock: Stock[];
  distance_m?: number;
}

/** Id, latitude, longitude, type, level, count, seconds since 1970 of the last change, 1 where silent. */
export type Short = [string, number, number, number, number, number | null, number | null, 0 | 1];

export interface Tile extends Head {
  item: string;
  types: OutletType[];
  levels: Level[];
  outlets: Short[];
}

export interface Region {
  code: string;
  name_ko: string;
  name_en?: string | null;
  outlets: number;
  bbox: [number, number, number, number] | null;
  levels: Record<string, Partial<Record<Level, number>>>;
  silent?: number;
}

export interface Rule {
  group: string;
  items: string[];
  quantity: number;
  window: string | Record<string, number>;
  gate?: "any" | "closed" | "catch_up" | "digits";
  words: { ko: string; en: string };
}

export interface Today {
  date: string;
  weekday: string;
  everyone: boolean;
  birth_digits: number[] | null;
  number_digits?: number[] | null;
  holiday?: { ko: string; en: string } | null;
  rules: Rule[];
}

export interface Changes extends Head {
  upserts: Row[];
  removed: string[];
}

export interface Hop {
  hop: string;
  count: number;
  p50_ms: number | null;
  p99_ms: number | null;
}

/** How the writing side is; an older server tells less. */
export interface Writing {
  degraded: { mode: string; since: string }[];
  dead: boolean;
  dead_since?: string | null;
  held: boolean;
  held_since?: string | null;
  shed?: { class: string; since: string }[];
  probe_ms?: number | null;
}

export interface Status extends Head {
  age_ms: number;
  source?: "live" | "stale";
  hops: Hop[];
  durability: string | null;
  entries: Record<string, number>;
  rejected: Record<string, number>;
  clocks_off: number;
  applied: number;
  committed: number;
  journal_bytes: number;
  /** None while nothing is heard from the core; an older server does not tell. */
  writing?: Writing | null;
  outlets: { registered: number; heard: number; silent: number; unregistered: number; levels: Partial<Record<Level, number>> };
  items: Record<string, { outlets: number; count: number }>;
}
