// Whether an outlet is open at this moment, by Korean time.
import { now } from "./freshness.ts";
import type { Strings } from "./strings.ts";
import type { Hours } from "./types.ts";

const KST_MS = 9 * 3_600_000;

/** Day of the week from Monday = 0 and minutes after midnight, in Korea. */
export function korea(at = now()) {
  const local = new Date(at + KST_MS);
  return {
    day: (local.getUTCDay() + 6) % 7,
    minutes: local.getUTCHours() * 60 + local.getUTCMinutes(),
    date: local.toISOString().slice(0, 10),
    month: local.getUTCMonth() + 1,
    dayOfMonth: local.getUTCDate(),
  };
}

export const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

export interface Opening {
  open: boolean | null;
  words: string;
}

export function opening(hours: Hours | null, w: Strings, at = now()): Opening {
  if (!hours) return { open: null, words: w.hoursUnknown };
  const { day, minutes } = korea(at);
  const span = hours[day];
  if (!span) return { open: false, words: w.closedToday };
  const [from, to] = [minutesOf(span[0]), minutesOf(span[1])];
  if (minutes < from) return { open: false, words: w.opensAt(span[0]) };
  if (minutes >= to) return { open: false, words: w.closedNow };
  return { open: true, words: w.openUntil(span[1]) };
}
