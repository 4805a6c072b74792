// How old something is, in words.
import { now } from "./freshness.ts";
import { korea, clock } from "./hours.ts";
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

/** How long it has lasted since a moment: "3분째". */
export function durationOf(at: number): string {
  const w = words();
  const minutes = Math.floor(Math.max(0, now() - at) / 60_000);
  if (minutes < 1) return w.lasting.moment;
  if (minutes < 60) return w.lasting.minutes(minutes);
  return minutes < 1440 ? w.lasting.hours(Math.floor(minutes / 60)) : w.lasting.days(Math.floor(minutes / 1440));
}

/** A moment by Korean time; its day where that is not today: "14:03", "11월 25일 14:03". */
export function momentOf(at: number): string {
  const [then, today] = [korea(at), korea()];
  const time = clock(then.minutes);
  return then.date === today.date ? time : words().dayAt(then.month, then.dayOfMonth, time);
}
