// How fresh what is on the screen is: by the server's clock, and whether the network answers.
import { Signal } from "./signal.ts";
import type { Status } from "./types.ts";

/** Server's time minus this device's, in milliseconds. */
let offset = 0;

/** Milliseconds since 1970 by the server's clock, as well as it is known. */
export const now = (): number => Date.now() + offset;

export interface Freshness {
  /** When the newest document on the screen was cut; 0 before the first. */
  at: number;
  /** The network gives nothing: what is shown was kept. */
  offline: boolean;
  /** The server is there and puts off the answer. */
  busy: boolean;
  /** The server says that its own source is late. */
  stale: boolean;
  /** Changes arrive as they happen. */
  live: boolean;
}

export const freshness = new Signal<Freshness>({ at: 0, offline: false, busy: false, stale: false, live: false });

const change = (part: Partial<Freshness>): void => {
  freshness.value = { ...freshness.value, ...part };
};

/** How a document came: from the server, or as it was kept since the network gives nothing or the server is busy. */
export type Way = "fresh" | "kept" | "busy";

/** A document of this time arrived. */
export const seen = (at: number, way: Way): void => change({ offline: way === "kept", busy: way === "busy", at: Math.max(freshness.value.at, at) });

/** Neither the server nor what was kept had it. */
export const lost = (busy: boolean): void => change({ offline: !busy, busy });

export const live = (on: boolean): void => change({ live: on });

/** Learns the server's clock and whether its source is late. */
export function learn(status: Status, kept: boolean): void {
  if (kept) return;
  const difference = Date.parse(status.last_updated) + status.age_ms - Date.now();
  offset = Math.abs(difference) > 2_000 ? difference : 0;
  const late = Math.max(15_000, status.ttl * 5_000);
  change({ stale: status.source === "stale" || status.age_ms > late });
}
