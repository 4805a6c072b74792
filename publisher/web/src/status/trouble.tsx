// What is wrong with the side that takes and writes reports, in words, and since when; nothing wrong is said as well.
import { durationOf, momentOf } from "../age.ts";
import { Icon } from "../ui/icons.tsx";
import { useBeat, useSignal } from "../signal.ts";
import { useWords, type Strings } from "../strings.ts";
import type { Status, Writing } from "../types.ts";
import { heard, SILENT, state } from "./state.ts";

interface Trouble {
  id: string;
  name: string;
  what: string;
  since: string | null;
  /** Reports are lost to readers while it lasts, not merely slower. */
  grave: boolean;
}

const WELL: Writing = { degraded: [], dead: false, held: false };

/** All that is wrong, the gravest first. */
export function troubles(writing: Writing | null | undefined, w: Strings): Trouble[] {
  const { dead, dead_since, degraded, held, held_since, shed } = writing ?? WELL;
  const t = w.s.trouble;
  const out: Trouble[] = dead ? [{ id: "dead", ...t.dead, since: dead_since ?? null, grave: true }] : [];
  for (const { mode, since } of degraded) out.push({ id: mode, ...(t.modes[mode] ?? t.other(mode)), since, grave: false });
  for (const { class: of, since } of shed ?? []) out.push({ id: `shed-${of}`, ...t.shed(t.classes[of] ?? of), since, grave: false });
  return held ? [...out, { id: "held", ...t.held, since: held_since ?? null, grave: false }] : out;
}

export function Troubles({ status }: { status: Status }) {
  const w = useWords();
  useBeat(1000);
  useSignal(state);
  const known = heard(status);
  const silent = status.writing?.degraded.find(({ mode }) => mode === SILENT);
  const at = Date.parse(silent?.since ?? status.last_updated);
  const all = troubles(status.writing, w).filter(({ id }) => id !== SILENT);
  return (
    <section aria-labelledby="trouble-title">
      <h2 id="trouble-title">{w.s.trouble.title}</h2>
      {!known && <p class="lead unheard">{w.s.trouble.unheard(momentOf(at), durationOf(at))}</p>}
      {known && all.length === 0 && <p class="lead">{w.s.trouble.none}</p>}
      <ul class="troubles">{all.map((one) => <Line key={one.id} {...one} />)}</ul>
      {all.length > 0 && <p class="lead">{w.s.trouble.readers}</p>}
    </section>
  );
}

function Line({ id, name, what, since, grave }: Trouble) {
  const w = useWords();
  const at = since === null ? null : Date.parse(since);
  return (
    <li class={`trouble ${grave ? "grave" : ""}`} data-trouble={id}>
      <Icon name="warn" size={22} />
      <span>
        <b>{name}</b>
        {at !== null && <small class="since">{w.s.trouble.since(momentOf(at), durationOf(at))}</small>}
        <span>{what}</span>
      </span>
    </li>
  );
}
