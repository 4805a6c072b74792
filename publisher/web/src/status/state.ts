// The status as read last, which hops count as late, and since when this screen saw them so.
import { read, Repeating } from "../api.ts";
import { learn, now } from "../freshness.ts";
import { Signal } from "../signal.ts";
import type { Status } from "../types.ts";

interface State {
  status: Status | null;
  reachable: boolean;
  /** When each late hop was seen to be late first. */
  since: Record<string, number>;
}

export const state = new Signal<State>({ status: null, reachable: true, since: {} });

const SECONDS = 5;
/** A 99th percentile above this is late, in milliseconds; that of publishing hangs on the interval. */
const LIMITS: Record<string, number> = { pos_to_received: 5_000, received_to_committed: 500, committed_to_applied: 500 };

export type HopState = "ok" | "late" | "quiet" | "unknown";

/** The mode of an edge that hears of no core. */
export const SILENT = "core_silent";

/** Whether it is known here that reports are taken: not while the core is silent, nor from a status that was kept. */
export const heard = (status: Status): boolean =>
  state.value.reachable && status.source !== "stale" && status.writing != null && status.hops.every(({ count }) => count != null) &&
  !status.writing.degraded.some(({ mode }) => mode === SILENT);

export function hopState(hop: string, p99: number | null, status: Status): HopState {
  if (hop === "published_to_you") return ageNow(status) > youLimit(status) ? "late" : "ok";
  if (!heard(status)) return "unknown";
  if (p99 === null) return "quiet";
  return p99 > (LIMITS[hop] ?? status.ttl * 2_000 + 1_000) ? "late" : "ok";
}

const youLimit = (status: Status): number => Math.max(15_000, status.ttl * 5_000);

/** Age of the served version at this moment. */
export const ageNow = (status: Status): number => Math.max(0, now() - Date.parse(status.last_updated));

export function lateHops(status: Status): string[] {
  const late = status.hops.filter(({ hop, p99_ms }) => hopState(hop, p99_ms, status) === "late").map(({ hop }) => hop);
  return hopState("published_to_you", null, status) === "late" ? [...late, "published_to_you"] : late;
}

function put(status: Status, reachable: boolean): void {
  const before = state.value.since;
  state.value = { ...state.value, reachable };
  const since = Object.fromEntries(lateHops(status).map((hop) => [hop, before[hop] ?? Date.now()]));
  state.value = { status, reachable, since };
}

/** Reads the status again and again. */
export function watch(): void {
  const again = new Repeating(async () => {
    const got = await read<Status>("/v1/status.json").catch(() => null);
    if (!got) return void (state.value = { ...state.value, reachable: false });
    learn(got.data, got.kept);
    put(got.data, !got.kept);
  }, () => SECONDS);
  again.now();
}
