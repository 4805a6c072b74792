// Today's rule of purchase, and the weekday on which a digit's turn comes.
import { read, Repeating } from "./api.ts";
import { now } from "./freshness.ts";
import { Signal } from "./signal.ts";
import type { Head, Rule, Today } from "./types.ts";
import type { Strings } from "./strings.ts";

type Gate = "any" | "closed" | "catch_up" | { digits: number[] };

interface Policy {
  effective_from: string;
  group: string;
  ended?: boolean;
  days?: { by: string; week: Gate[] } | null;
}

interface Schedule {
  offset_minutes?: number;
  policies?: Policy[];
}

type Policies = Head & { today: Today; schedule: Schedule | null };

export const policies = new Signal<Policies | null>(null);
let etag: string | null = null;

export const polling = new Repeating(async () => {
  const got = await read<Policies>("/v1/policies.json", etag);
  if (!got) return;
  etag = got.kept ? null : got.etag;
  policies.value = got.data;
}, () => 60);

/** Whether what is known is of the day that it is where the rules hold: an old page, or old data, tells of another day. */
export function isOfToday(known: Policies, at = now()): boolean {
  const local = new Date(at + (known.schedule?.offset_minutes ?? 540) * 60_000);
  return known.today.date === local.toISOString().slice(0, 10);
}

const digitsOf = (gate: Gate): number[] => (typeof gate === "object" ? gate.digits : []);

/** Day of the week (Monday = 0) on which this last digit may buy, by the rule in force; none where it is not told. */
export function dayOf(digit: number, of: Policies): number | null {
  const start = Date.parse(of.last_updated);
  const group = of.today.rules[0]?.group;
  const begun = (of.schedule?.policies ?? []).filter((policy) => policy.group === group && Date.parse(policy.effective_from) <= start);
  const newest = begun.sort((a, b) => Date.parse(b.effective_from) - Date.parse(a.effective_from))[0];
  const day = newest?.days?.week.findIndex((gate) => digitsOf(gate).includes(digit)) ?? -1;
  return day < 0 ? null : day;
}

/** "한 주에 1인당 2개" */
export function quantity(rule: Rule, w: Strings): string {
  const { window } = rule;
  const text = typeof window === "string" ? w.windows[window] ?? window : w.rolling(Object.values(window)[0] ?? 0);
  return w.quantity(text, rule.quantity);
}
