// A value that tells when it changes, and the hook that draws a component again then.
import { useEffect, useState } from "preact/hooks";

export class Signal<T> {
  #value: T;
  #readers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.#readers.forEach((read) => read(value));
  }

  /** Calls `read` at each change until the returned function is called. */
  follow(read: (value: T) => void): () => void {
    this.#readers.add(read);
    return () => void this.#readers.delete(read);
  }
}

export function useSignal<T>(signal: Signal<T>): T {
  const [, redraw] = useState({});
  const drawn = signal.value;
  useEffect(() => {
    // It may have changed between the drawing and this moment.
    if (!Object.is(drawn, signal.value)) redraw({});
    return signal.follow(() => redraw({}));
  }, [signal]);
  return drawn;
}

/** Draws again every `ms`, for words that tell an age. */
export function useBeat(ms: number): void {
  const [, redraw] = useState({});
  useEffect(() => {
    const timer = setInterval(() => document.hidden || redraw({}), ms);
    return () => clearInterval(timer);
  }, [ms]);
}
