// How old something is, in words.
import { now } from "./freshness.ts";
import { words } from "./strings.ts";

/** Of a moment in milliseconds since 1970: "3분 전". */
export function ageOf(at: number): string {
  const w = words();
  const seconds = Math.max(0, Math.round((now() - at) / 1000));
  if (seconds < 3) return w.justNow;
  if (seconds < 60) return w.secondsAgo(seconds);
  if (seconds < 3600) return w.minutesAgo(Math.floor(seconds / 60));
  if (seconds < 86_400) return w.hoursAgo(Math.floor(seconds / 3600));
  return w.daysAgo(Math.floor(seconds / 86_400));
}
