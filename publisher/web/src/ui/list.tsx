// The list beside the map: outlets when near, districts from afar; all that the map shows, for those who do not see it.
import { useEffect } from "preact/hooks";
import { ageOf } from "../age.ts";
import { isAll, levels } from "../filter.ts";
import { clock, opening } from "../hours.ts";
import { levelNow, listed } from "../listed.ts";
import { showArea } from "../map.ts";
import * as names from "../names.ts";
import { areas, fullName, inStock, inView, levelsOf, middle, type Area } from "../regions.ts";
import { rows } from "../rows.ts";
import { useBeat, useSignal } from "../signal.ts";
import { changes, metres, spot } from "../spots.ts";
import { language, useWords } from "../strings.ts";
import { LEVELS, type Row } from "../types.ts";
import { OUTLETS_FROM, said, selected, view } from "../view.ts";
import { Bar } from "./bar.tsx";
import { Mark } from "./icons.tsx";

export function List() {
  const now = useSignal(view);
  if (!now) return null;
  return now.zoom < OUTLETS_FROM ? <Areas /> : <Outlets />;
}

function Areas() {
  const w = useWords();
  const now = useSignal(view)!;
  useSignal(areas);
  const provinces = now.zoom < 8.5;
  const seen = inView(now.box).filter((area) => area.province === provinces && !area.parent && area.outlets > 0);
  const distance = (area: Area) => metres(middle(area.bbox!), now.centre);
  const sorted = provinces ? seen : seen.sort((a, b) => distance(a) - distance(b)).slice(0, 40);
  return (
    <section aria-labelledby="list-title">
      <h2 id="list-title" tabIndex={-1}>{w.listAreas}</h2>
      <ul class="rows">
        {sorted.map((area) => <li key={area.code}><AreaRow area={area} /></li>)}
      </ul>
    </section>
  );
}

function AreaRow({ area }: { area: Area }) {
  const w = useWords();
  const name = fullName(area, language.value);
  const go = () => {
    showArea(area);
    said.value = w.moved(name);
  };
  return (
    <button type="button" class="row area" onClick={go}>
      <span class="row-main">
        <b>{name}</b>
        <small>{w.outlets(area.outlets)} · {w.inStock(inStock(area))}</small>
        <Bar counts={levelsOf(area)} />
      </span>
    </button>
  );
}

function Outlets() {
  const w = useWords();
  const { state, nearMe } = useSignal(rows);
  useSignal(levels);
  useSignal(names.state);
  useSignal(changes);
  useBeat(10_000);
  const { lines, total, nameless } = listed();
  // With a filter the nearest that match may be among those whose rows were not read.
  const wants = nameless && !isAll() && state === "ready";
  useEffect(() => void (wants && names.load()), [wants]);
  return (
    <section aria-labelledby="list-title">
      <h2 id="list-title" tabIndex={-1}>
        {nearMe ? w.listNear : w.listHere}
        {state === "ready" && <small>{lines.length < total ? w.listMore(lines.length, total) : w.outlets(total)}</small>}
      </h2>
      {state === "loading" && <p class="note">{w.loading}</p>}
      {state === "failed" && lines.length === 0 && <p class="note" role="status">{w.failed}</p>}
      {state === "ready" && lines.length === 0 && <p class="note">{w.none}</p>}
      <ul class="rows">
        {lines.map((row) => <li key={row.id}><OutletRow row={row} near={nearMe} /></li>)}
      </ul>
    </section>
  );
}

function OutletRow({ row, near }: { row: Row; near: boolean }) {
  const w = useWords();
  const now = spot(row.id);
  const level = levelNow(row);
  const { open, words } = opening(row.hours, w);
  const count = level < 4 && now?.count != null ? w.count(now.count) : null;
  return (
    <button type="button" class="row" data-id={row.id} onClick={() => void (selected.value = row.id)}>
      <Mark level={level} size={30} />
      <span class="row-main">
        <b>{row.name || w.type[row.type]}</b>
        {row.name && <small class={open === false ? "shut" : ""}>{w.type[row.type]} · {words}</small>}
        {row.notice && <small class="has-notice">{noticeLine(row, w)}</small>}
      </span>
      <span class="row-side">
        <span class={`word ${LEVELS[level]}`}>{w.level[LEVELS[level]!]}</span>
        {count && <small>{count}</small>}
        <small>{[near && row.distance_m !== undefined && w.metres(row.distance_m), now?.changed && ageOf(now.changed * 1000)].filter(Boolean).join(" · ")}</small>
      </span>
    </button>
  );
}

/** When it sells and by which tickets, and then its own words, of which a narrow screen cuts the end. */
function noticeLine(row: Row, w: ReturnType<typeof useWords>): string {
  const { ko, en, sells_from, tickets } = row.notice!;
  const own = language.value === "en" ? en ?? ko : ko ?? en;
  return [sells_from != null && w.sellsFrom(clock(sells_from)), tickets && w.tickets, own].filter(Boolean).join(" · ") || w.notice;
}
