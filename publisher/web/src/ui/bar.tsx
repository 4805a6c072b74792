// A bar that shows how outlets divide into levels.
import { LEVELS } from "../types.ts";

/** How an area's outlets divide into levels. */
export function Bar({ counts }: { counts: number[] }) {
  const total = counts.reduce((sum, n) => sum + n, 0) || 1;
  return (
    <span class="bar" aria-hidden="true">
      {counts.map((n, level) => n > 0 && <span key={level} class={`part ${LEVELS[level]}`} style={{ flexGrow: n / total }} />)}
    </span>
  );
}
