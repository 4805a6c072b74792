// Figures in boxes: how many outlets of which sort, and what an operator wants to know.
import { Bar } from "../ui/bar.tsx";
import { Mark } from "../ui/icons.tsx";
import { useWords } from "../strings.ts";
import { LEVELS, type Status } from "../types.ts";

function Figure({ name, value, alarm }: { name: string; value: string; alarm?: boolean }) {
  return <div class={`box ${alarm ? "alarm" : ""}`}><dt>{name}</dt><dd>{value}</dd></div>;
}

export function Outlets({ status }: { status: Status }) {
  const w = useWords();
  const { registered, heard, silent, unregistered, levels } = status.outlets;
  const counts = LEVELS.map((level) => levels[level] ?? 0);
  return (
    <section aria-labelledby="outlets-title">
      <h2 id="outlets-title">{w.s.outlets}</h2>
      <dl class="boxes">
        <Figure name={w.s.registered} value={w.s.n(registered)} />
        <Figure name={w.s.heard} value={w.s.n(heard)} />
        <Figure name={w.s.silent} value={w.s.n(silent)} alarm={silent > 0} />
        <Figure name={w.s.unregistered} value={w.s.n(unregistered)} alarm={unregistered > 0} />
      </dl>
      <h3>{w.s.levels}</h3>
      <Bar counts={counts} />
      <ul class="levels">
        {LEVELS.map((level, n) => <li key={level}><Mark level={n} />{w.level[level]} <b>{w.s.n(counts[n]!)}</b></li>)}
      </ul>
    </section>
  );
}

const bytes = (n: number): string => {
  const unit = n > 1e9 ? ["GB", 1e9] as const : n > 1e6 ? ["MB", 1e6] as const : ["kB", 1e3] as const;
  return `${(n / unit[1]).toFixed(1)} ${unit[0]}`;
};

export function Engine({ status }: { status: Status }) {
  const w = useWords();
  const sum = (map: Record<string, number>) => Object.values(map).reduce((total, n) => total + n, 0);
  const rejected = Object.entries(status.rejected).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  return (
    <section aria-labelledby="engine-title">
      <h2 id="engine-title">{w.s.engine}</h2>
      <dl class="boxes">
        <Figure name={w.s.durability} value={status.durability ? w.s.durable[status.durability] ?? status.durability : w.s.unproved} alarm={status.durability === "memory"} />
        <Figure name={w.s.backlog} value={w.s.n(Math.max(0, status.committed - status.applied))} />
        <Figure name={w.s.journal} value={bytes(status.journal_bytes)} />
        <Figure name={w.s.clocks} value={w.s.n(status.clocks_off)} />
        <Figure name={w.s.entries} value={w.s.n(sum(status.entries))} />
        <Figure name={w.s.rejected} value={rejected.length ? w.s.n(sum(status.rejected)) : w.s.none} />
        <Figure name={w.s.version} value={String(status.version)} />
      </dl>
      {rejected.length > 0 && <ul class="reasons">{rejected.map(([reason, n]) => <li key={reason}><code>{reason}</code> {w.s.n(n)}</li>)}</ul>}
    </section>
  );
}
