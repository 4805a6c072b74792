// Reading the native API: JSON with its ETag, and whether it came from the network or from what was kept.
import { seen, type Way } from "./freshness.ts";
import type { Head } from "./types.ts";

export interface Got<T> {
  data: T;
  etag: string | null;
  /** The server gave nothing; this is what was kept of an earlier visit. */
  kept: boolean;
}

/** The server answered, and not with the document. */
export class Refused extends Error {
  constructor(url: string, readonly status: number) {
    super(`${url}: ${status}`);
  }
}

/** Too many questions, or a server that is overloaded, restarting or not ready: the same question may well be answered soon. */
export const isBusy = (error: unknown): boolean => error instanceof Refused && (error.status === 429 || error.status >= 500);

/** No server is waited for longer than this on its word, in seconds. */
const LONGEST_WAIT = 120;
let notBefore = 0;

/** Milliseconds for which a server that is busy wants to be left alone. */
export const patience = (): number => Math.max(0, notBefore - Date.now());

/** Honours the word of a busy server, in seconds or as a date. */
function wait(answer: Response): void {
  const told = answer.headers.get("retry-after");
  if (!told) return;
  const seconds = Number.isNaN(Number(told)) ? (Date.parse(told) - Date.now()) / 1000 : Number(told);
  notBefore = Math.max(notBefore, Date.now() + Math.min(LONGEST_WAIT, seconds || 0) * 1000);
}

function wayOf(answer: Response): Way {
  const kept = answer.headers.get("x-jaego-kept");
  return kept === null ? "fresh" : kept === "busy" ? "busy" : "kept";
}

/** A document, or none where it is still the one with this ETag. */
export async function read<T extends Head>(url: string, etag?: string | null): Promise<Got<T> | null> {
  const response = await fetch(url, { cache: "no-cache", headers: { accept: "application/json" } });
  const way = wayOf(response);
  if (!response.ok || way === "busy") wait(response);
  if (!response.ok) throw new Refused(url, response.status);
  const found = response.headers.get("etag");
  if (etag && found === etag) {
    await response.body?.cancel();
    return null;
  }
  const data = (await response.json()) as T;
  seen(Date.parse(data.last_updated), way);
  return { data, etag: found, kept: way !== "fresh" };
}

/** Repeats a task: after `seconds()` when it went well, ever later when it failed; at once on demand. */
export class Repeating {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #running = false;

  constructor(
    private readonly task: () => Promise<void>,
    private readonly seconds: () => number,
  ) {
    document.addEventListener("visibilitychange", () => document.hidden || this.now());
    addEventListener("online", () => this.now());
  }

  now(): void {
    clearTimeout(this.#timer);
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      await this.task();
      this.#failures = 0;
    } catch {
      this.#failures += 1;
    }
    this.#running = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => document.hidden || this.now(), this.#wait() * 1000);
  }

  #wait(): number {
    const own = this.#failures === 0 ? this.seconds() : Math.min(60, 2 ** this.#failures) * (0.5 + Math.random() / 2);
    return Math.max(own, patience() / 1000);
  }
}
