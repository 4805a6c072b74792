// Follows the changes of a few districts as they happen; says when it can not, so that polling goes on at its pace.
import { read } from "./api.ts";
import { live, seen } from "./freshness.ts";
import { takeRemoved, takeRows } from "./spots.ts";
import { streaming } from "./tiles.ts";
import { ours, pass, queue, shared } from "./turn.ts";
import type { Changes, Head, Row } from "./types.ts";

/** A browser opens six connections to a server without HTTP/2: half of them stay free for all else. Where windows can not take turns, each has one. */
const MOST_STREAMS = shared ? 3 : 1;
const RETRY_MS = 30_000;
/** States of a source, by number: there are browsers without the class. */
const [OPEN, CLOSED] = [1, 2];

const open = new Map<string, EventSource>();
let wanted: string[] = [];
let complete = false;
let retry: ReturnType<typeof setTimeout> | undefined;

/** Follows these districts, and no others. `all`: they cover the view. */
export function follow(codes: string[], all: boolean): void {
  wanted = codes.slice(0, MOST_STREAMS);
  complete = all && codes.length <= MOST_STREAMS;
  reconcile();
}

export function start(): void {
  document.addEventListener("visibilitychange", reconcile);
  addEventListener("online", reconcile);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", reconcile);
}

/** Closes all, so that the next window may stream. */
function stop(): void {
  open.forEach((_, code) => close(code));
  pass();
}

function reconcile(): void {
  const wish = document.hidden || typeof EventSource === "undefined" ? [] : wanted;
  if (wish.length > 0) queue(reconcile);
  const codes = ours() ? wish : [];
  for (const code of [...open.keys()]) if (!codes.includes(code)) close(code);
  for (const code of codes) if (!open.has(code)) connect(code);
  if (wish.length === 0) pass();
  tell();
}

function close(code: string): void {
  open.get(code)?.close();
  open.delete(code);
}

function connect(code: string, since?: number): void {
  const source = new EventSource(`/v1/stream?region=${code}${since === undefined ? "" : `&since=${since}`}`);
  open.set(code, source);
  source.addEventListener("open", tell);
  source.addEventListener("changes", (event) => take(event as MessageEvent<string>));
  source.addEventListener("reset", (event) => void reset(code, source, event as MessageEvent<string>));
  source.addEventListener("error", () => failed(code, source));
}

function take(event: MessageEvent<string>): void {
  const change = JSON.parse(event.data) as Changes;
  seen(Date.parse(change.last_updated), "fresh");
  takeRows(change.upserts, change.version);
  takeRemoved(change.removed, change.version);
}

/** A cache may give a keyframe from before the version that the event is of: what came in between is asked for. */
async function reset(code: string, source: EventSource, event: MessageEvent<string>): Promise<void> {
  const { keyframe, version } = JSON.parse(event.data) as { keyframe: string; version: number };
  const got = await read<Head & { outlets: Row[] }>(keyframe).catch(() => null);
  if (!got) return;
  takeRows(got.data.outlets, got.data.version);
  if (got.data.version >= version || open.get(code) !== source) return;
  close(code);
  connect(code, got.data.version);
}

/** A source that gave up is asked again later; one that is reconnecting does that by itself. */
function failed(code: string, source: EventSource): void {
  tell();
  if (source.readyState !== CLOSED || open.get(code) !== source) return;
  open.delete(code);
  clearTimeout(retry);
  retry = setTimeout(reconcile, RETRY_MS * (0.5 + Math.random()));
}

/** Says whether changes arrive as they happen. */
function tell(): void {
  const running = wanted.filter((code) => open.get(code)?.readyState === OPEN);
  const on = wanted.length > 0 && running.length === wanted.length;
  live(on);
  streaming(on && complete);
}
