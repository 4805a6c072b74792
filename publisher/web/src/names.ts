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

export async function load(): Promise<void> {
  if (state.value === "loading" || state.value === "ready") return;
  state.value = "loading";
  try {
    const got = await read<Head & { outlets: Info[] }>("/v1/outlets.json");
    names = (got?.data.outlets ?? []).filter(({ lat }) => lat !== null).map((info) => ({ info, key: fold(info.name), where: fold(info.addr) }));
    state.value = "ready";
  } catch {
    state.value = "failed";
  }
}

/** Outlets by name; the words after the first may also stand in the address. Names that begin with the text come first. */
export function find(text: string, most: number): Info[] {
  const parts = text.split(/\s+/).map(fold).filter(Boolean);
  const whole = fold(text);
  if (whole.length < 2) return [];
  const fits = ({ key, where }: Named) => key.includes(whole) || (parts.length > 1 && parts.some((part) => key.includes(part)) && parts.every((part) => key.includes(part) || where.includes(part)));
  const rank = ({ key }: Named) => (key === whole ? 0 : key.startsWith(whole) ? 1 : 2);
  return names.filter(fits).sort((a, b) => rank(a) - rank(b)).slice(0, most).map(({ info }) => info);
}
