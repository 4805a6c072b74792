// Which levels are to be seen.
import { recall, remember } from "./remembered.ts";
import { Signal } from "./signal.ts";
import type { Spot } from "./spots.ts";
import { LEVELS } from "./types.ts";

const ALL = (1 << LEVELS.length) - 1;

/** One bit per level. */
export const levels = new Signal<number>(Number(recall("levels") ?? ALL) & ALL || ALL);

export const shown = (spot: Spot): boolean => (levels.value & (1 << spot.level)) !== 0;
export const chosen = (level: number): boolean => (levels.value & (1 << level)) !== 0;
export const isAll = (): boolean => levels.value === ALL;

/** The worst of the chosen levels where one may ask for no worse; none where the filter shows those that say nothing of stock. */
export function least(): number | null {
  const worst = 31 - Math.clz32(levels.value);
  return worst <= LEVELS.indexOf("empty") ? worst : null;
}

function put(bits: number): void {
  levels.value = bits || ALL;
  remember("levels", String(levels.value));
}

export const showAll = (): void => put(ALL);

/** From "all" a first choice shows that level alone; later ones add and take away. */
export function toggle(level: number): void {
  put(isAll() ? 1 << level : levels.value ^ (1 << level));
}
