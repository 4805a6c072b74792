// The levels as buttons that filter, which are the legend at the same time.
import { chosen, isAll, levels, showAll, toggle } from "../filter.ts";
import { useSignal } from "../signal.ts";
import { useWords } from "../strings.ts";
import { LEVELS } from "../types.ts";
import { Mark } from "./icons.tsx";

export function Filter() {
  const w = useWords();
  useSignal(levels);
  return (
    <div class="chips" role="group" aria-label={w.filter}>
      <button type="button" class="chip" aria-pressed={isAll()} onClick={showAll}>{w.all}</button>
      {LEVELS.map((level, n) => (
        <button type="button" class="chip" key={level} data-level={level} aria-pressed={!isAll() && chosen(n)} onClick={() => toggle(n)} title={w.range[level]}>
          <Mark level={n} size={20} />
          {w.level[level]}
          <small>{w.range[level]}</small>
        </button>
      ))}
    </div>
  );
}
