// Reading the native API: JSON with its ETag, and whether it came from the network or from what was kept.
import { seen } from "./freshness.ts";
import type { Head } from "./types.ts";

export interface Got<T> {
  data: T;
  etag: string | null;
  /** The network gave nothing; this is what was kept of an earlier visit. */
  kept: boolean;
}

/** The server answered, and not with the document. */
export class Refused extends Error {
  constructor(url: string, readonly status: number) {
    super(`${url}: ${status}`);
  }
}

/** A document, or none where it is still the one with this ETag. */
export async function read<T extends Head>(url: string, etag?: string | null): Promise<Got<T> | null> {
  const response = await fetch(url, { cache: "no-cache", headers: { accept: "application/json" } });
  if (!response.ok) throw new Refused(url, response.status);
  const kept = response.headers.has("x-jaego-kept");
  const found = response.headers.get("etag");
  const at = (data: Head) => seen(Date.parse(data.last_updated), kept);
  if (etag && found === etag) {
    await response.body?.cancel();
    return null;
  }
  const data = (await response.json()) as T;
  at(data);
  return { data, etag: found, kept };
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
    if (this.#failures === 0) return this.seconds();
    return Math.min(60, 2 ** this.#failures) * (0.5 + Math.random() / 2);
  }
}
