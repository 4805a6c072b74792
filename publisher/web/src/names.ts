// Every outlet's name and address, read when somebody searches for the first time.
import { read } from "./api.ts";
import { fold } from "./regions.ts";
import { Signal } from "./signal.ts";
import type { Head, Info } from "./types.ts";

interface Named {
  info: Info;
  key: string;
  where: string;
}

export const state = new Signal<"none" | "loading" | "ready" | "failed">("none");
let names: Named[] = [];
let byId = new Map<string, Info>();

export async function load(): Promise<void> {
  if (state.value === "loading" || state.value === "ready") return;
  state.value = "loading";
  try {
    const got = await read<Head & { outlets: Info[] }>("/v1/outlets.json");
    names = (got?.data.outlets ?? []).map((info) => ({ info, key: fold(info.name), where: fold(info.addr) }));
    byId = new Map(names.map(({ info }) => [info.id, info]));
    state.value = "ready";
  } catch {
    state.value = "failed";
  }
}

/** A shorter text fits nearly everything. */
const LEAST_LETTERS = 2;
export const tooShort = (text: string): boolean => fold(text).length < LEAST_LETTERS;

/** The registry's facts of an outlet, once the names are read. */
export const infoOf = (id: string): Info | undefined => byId.get(id);

/** Outlets of which every word stands in the name or the address: names that begin with the text first, those by their address alone last. */
export function find(text: string, most: number): Info[] {
  const parts = text.split(/\s+/).map(fold).filter(Boolean);
  const whole = fold(text);
  if (tooShort(text)) return [];
  const fits = ({ key, where }: Named) => key.includes(whole) || parts.every((part) => key.includes(part) || where.includes(part));
  const rank = ({ key }: Named) => (key === whole ? 0 : key.startsWith(whole) ? 1 : key.includes(whole) ? 2 : parts.some((part) => key.includes(part)) ? 3 : 4);
  return names.filter(fits).sort((a, b) => rank(a) - rank(b)).slice(0, most).map(({ info }) => info);
}
