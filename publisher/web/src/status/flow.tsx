// The way of the data: six stops, five hops, and how long each hop takes.
import { Fragment } from "preact";
import { clock, korea } from "../hours.ts";
import { useBeat, useSignal } from "../signal.ts";
import { useWords } from "../strings.ts";
import type { Hop, Status } from "../types.ts";
import { ageNow, hopState, state } from "./state.ts";

const STOPS = ["pos", "gateway", "journal", "fold", "edition", "you"] as const;
const HOPS = ["pos_to_received", "received_to_committed", "committed_to_applied", "applied_to_published", "published_to_you"] as const;

export function Flow({ status }: { status: Status }) {
  const w = useWords();
  useBeat(1000);
  return (
    <ol class="flow">
      {STOPS.map((stop, n) => (
        <Fragment key={stop}>
          <li class="stop">
            <Picture stop={stop} />
            <span><b>{w.s.stops[stop]}</b><small>{w.s.stopsWhat[stop]}</small></span>
          </li>
          {HOPS[n] && <HopLine name={HOPS[n]} hop={status.hops.find(({ hop }) => hop === HOPS[n])} status={status} />}
        </Fragment>
      ))}
    </ol>
  );
}

function HopLine({ name, hop, status }: { name: string; hop: Hop | undefined; status: Status }) {
  const w = useWords();
  const { since } = useSignal(state);
  const kind = hopState(name, hop?.p99_ms ?? null, status);
  const seen = since[name];
  return (
    <li class={`hop ${kind}`}>
      <span class="hidden">{w.s.hop[name]}: </span>
      <span class="hop-state"><span class="sign" aria-hidden="true">{{ ok: "✓", late: "!", quiet: "–", unknown: "?" }[kind]}</span>{w.s.state[kind]}</span>
      {name === "published_to_you" ? <b>{w.s.ms(ageNow(status))}</b> : kind !== "unknown" && <Figures hop={hop} />}
      {seen && <small class="since">{w.s.since(clock(korea(seen).minutes))}</small>}
    </li>
  );
}

function Figures({ hop }: { hop: Hop | undefined }) {
  const w = useWords();
  if (!hop || hop.p50_ms === null || hop.p99_ms === null) return null;
  return (
    <>
      <b>{w.s.half} {w.s.within(w.s.ms(hop.p50_ms))}</b>
      <small>{w.s.most} {w.s.within(w.s.ms(hop.p99_ms))}</small>
      <small>{w.s.measured(hop.count)}</small>
    </>
  );
}

const PATHS: Record<(typeof STOPS)[number], string> = {
  pos: "M4 9h16v11H4zM7 9V4h10v5M8 13h2M14 13h2M8 16h2M14 16h2",
  gateway: "M4 20V9l8-5 8 5v11M9 20v-7h6v7",
  journal: "M6 4h12v16H6zM9 8h6M9 12h6M9 16h3",
  fold: "M5 6h14M5 6l5 6-5 6h14",
  edition: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM4 12h16M12 4c3 3 3 13 0 16M12 4c-3 3-3 13 0 16",
  you: "M8 3h8v18H8zM11 18h2",
};

function Picture({ stop }: { stop: (typeof STOPS)[number] }) {
  return (
    <svg class="stop-picture" viewBox="0 0 24 24" width="28" height="28" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[stop]} />
    </svg>
  );
}
