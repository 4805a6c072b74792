// The list beside the map: outlets when near, districts from afar; all that the map shows, for those who do not see it.
import { ageOf } from "../age.ts";
import { chosen, isAll, levels } from "../filter.ts";
import { opening } from "../hours.ts";
import { showArea } from "../map.ts";
import { areas, fullName, inStock, inView, levelsOf, middle, type Area } from "../regions.ts";
import { rows } from "../rows.ts";
import { useBeat, useSignal } from "../signal.ts";
import { changes, metres, spot } from "../spots.ts";
import { language, useWords } from "../strings.ts";
import { LEVELS, type Row } from "../types.ts";
import { OUTLETS_FROM, said, selected, view } from "../view.ts";
import { Bar } from "./bar.tsx";
import { Mark } from "./icons.tsx";

/** More than this nobody scrolls through; the map and the filter lead further. */
const MOST_SHOWN = 100;

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
  const { state, list, total, nearMe } = useSignal(rows);
  useSignal(levels);
  useSignal(changes);
  useBeat(10_000);
  const here = list.filter((row) => chosen(levelNow(row)));
  const shown = here.slice(0, MOST_SHOWN);
  const amount = (shown: number): string => {
    if (isAll()) return shown < total ? w.listMore(shown, total) : w.outlets(shown);
    return list.length < total || shown < here.length ? w.listChosen(shown, list.length) : w.outlets(shown);
  };
  return (
    <section aria-labelledby="list-title">
      <h2 id="list-title" tabIndex={-1}>
        {nearMe ? w.listNear : w.listHere}
        {state === "ready" && <small>{amount(shown.length)}</small>}
      </h2>
      {state === "loading" && <p class="note">{w.loading}</p>}
      {state === "failed" && list.length === 0 && <p class="note" role="status">{w.failed}</p>}
      {state === "ready" && here.length === 0 && <p class="note">{w.none}</p>}
      <ul class="rows">
        {shown.map((row) => <li key={row.id}><OutletRow row={row} near={nearMe} /></li>)}
      </ul>
    </section>
  );
}

const levelNow = (row: Row): number => spot(row.id)?.level ?? 5;

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
        <b>{row.name}</b>
        <small class={open === false ? "shut" : ""}>{w.type[row.type]} · {words}</small>
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

function noticeLine(row: Row, w: ReturnType<typeof useWords>): string {
  const notice = row.notice!;
  const own = (language.value === "en" ? notice.en ?? notice.ko : notice.ko ?? notice.en) ?? "";
  return own || (notice.tickets ? w.tickets : w.notice);
}
