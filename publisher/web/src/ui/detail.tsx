// One outlet: what it has, how old each figure is, when it sells, and what it wants to say.
import { useEffect, useRef, useState } from "preact/hooks";
import { ageOf, momentOf } from "../age.ts";
import { patience, read, Refused } from "../api.ts";
import { clock, korea, opening } from "../hours.ts";
import { reveal } from "../map.ts";
import { inMemory, ofMemory } from "../rows.ts";
import { useBeat, useSignal } from "../signal.ts";
import { changes, ITEM, spot, takeRows } from "../spots.ts";
import { language, useWords, type Strings } from "../strings.ts";
import { LEVELS, type Head, type Notice, type Row, type Stock } from "../types.ts";
import { said, selected } from "../view.ts";
import { Icon, Mark } from "./icons.tsx";

const REFRESH_MS = 10_000;

interface State {
  row: Row | null;
  /** Why there is nothing newer; none when it was read. */
  why: "loading" | "missing" | "unread" | null;
}

const age = (row: Row): number => Date.parse(row.received_at ?? "") || 0;

/** What is known after a try to read: what was read before stays, with its age, unless the server says that there is no such outlet. */
function after(before: State, got: Row | undefined, kept: boolean, missing: boolean): State {
  if (missing) return { row: null, why: "missing" };
  if (!got) return { row: before.row, why: "unread" };
  if (kept && before.row && age(before.row) > age(got)) return { row: before.row, why: "unread" };
  return { row: got, why: kept ? "unread" : null };
}

/** The row of an outlet: as it is in memory, then as it is read now, again now and then, and whenever it changes on the map. */
function useRow(id: string): State {
  const [state, put] = useState<State>(() => ({ row: inMemory(id) ?? null, why: "loading" }));
  const now = spot(id);
  const fingerprint = `${now?.level} ${now?.count}`;
  useEffect(() => {
    let gone = false;
    const load = async () => {
      let missing = false;
      const got = await read<Head & { outlet: Row }>(`/v1/outlets/${encodeURIComponent(id)}`).catch((error: unknown) => {
        missing = error instanceof Refused && error.status === 404;
        return null;
      });
      const found = got?.data.outlet ?? (missing ? undefined : await ofMemory(id).catch(() => undefined));
      if (gone) return;
      if (got) takeRows([got.data.outlet], got.data.version);
      put((before) => after(before, found, !got || got.kept, missing));
    };
    void load();
    const timer = setInterval(() => document.hidden || patience() > 0 || void load(), REFRESH_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [id, fingerprint]);
  return state;
}

export function Detail({ id }: { id: string }) {
  const w = useWords();
  useSignal(changes);
  useBeat(1000);
  const { row: named, why } = useRow(id);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!named) return;
    title.current?.focus({ preventScroll: true });
    said.value = w.chosen(named.name);
    if (named.lat !== null && named.lng !== null) reveal({ lat: named.lat, lng: named.lng });
  }, [named?.id]);
  return (
    <section class="detail" aria-label={w.details}>
      <button type="button" class="back" onClick={() => void (selected.value = null)}><Icon name="back" />{w.back}</button>
      {named && why === "unread" && <p class="note" role="status"><Icon name="warn" size={18} /> {w.unreadKept}</p>}
      {named ? <Facts row={named} title={title} /> : <p class="note" role="status">{w[why ?? "loading"]}</p>}
    </section>
  );
}

function Facts({ row, title }: { row: Row; title: preact.RefObject<HTMLHeadingElement> }) {
  const w = useWords();
  const stock = row.stock.find((stock) => stock.item === ITEM) ?? null;
  const level = LEVELS.indexOf(stock?.level ?? "unknown");
  const { open, words } = opening(row.hours, w);
  return (
    <>
      <h2 ref={title} tabIndex={-1}>{row.name}</h2>
      <p class="detail-type">{w.type[row.type]} · <span class={open === false ? "shut" : ""}>{words}</span></p>
      <div class={`figure ${LEVELS[level]}`} aria-live="polite">
        <Mark level={level} size={52} />
        <span>
          <strong>{w.level[LEVELS[level]!]}</strong>
          <small>{figure(stock, w)}</small>
        </span>
        {stock && <span class="age">{ageOf(Date.parse(stock.observed_at))}</span>}
      </div>
      {stock && stock.promised > 0 && <p class="note">{w.promised(stock.promised)}</p>}
      {row.notice && <Says notice={row.notice} />}
      {stock?.gap && <p class="note"><Icon name="warn" size={18} /> {w.gap}</p>}
      {row.silent && <p class="note"><Icon name="warn" size={18} /> {w.silent}</p>}
      <dl>
        {stock && <Times stock={stock} />}
        <dt>{w.address}</dt><dd>{row.addr.trim()}{row.lat === null && <small class="no-place"> {w.noPlace}</small>}</dd>
      </dl>
      {row.hours && <Week row={row} />}
    </>
  );
}

function figure(stock: Stock | null, w: Strings): string {
  if (!stock) return w.never;
  if (stock.count === null) return w.range[stock.level];
  return stock.level === "unknown" ? w.lastCount(stock.count) : w.count(stock.count);
}

function Times({ stock }: { stock: Stock }) {
  const w = useWords();
  const line = (name: string, at: string) => [<dt>{name}</dt>, <dd>{ageOf(Date.parse(at))} <small>{momentOf(Date.parse(at))}</small></dd>];
  return <>{line(w.reported, stock.observed_at)}{line(w.changed, stock.changed_at)}{line(w.arrived, stock.arrived_at)}</>;
}

function Says({ notice }: { notice: Notice }) {
  const w = useWords();
  const text = language.value === "en" ? notice.en ?? notice.ko : notice.ko ?? notice.en;
  return (
    <div class="says">
      <h3><Icon name="bell" size={18} /> {w.notice}</h3>
      {text && <p>{text}</p>}
      {notice.sells_from != null && <p>{w.sellsFrom(clock(notice.sells_from))}</p>}
      {notice.tickets && <p>{w.tickets}</p>}
    </div>
  );
}

function Week({ row }: { row: Row }) {
  const w = useWords();
  const { day } = korea();
  return (
    <>
      <h3><Icon name="clock" size={18} /> {w.hours}</h3>
      <table class="week">
        <tbody>
          {row.hours!.map((span, n) => (
            <tr key={n} class={n === day ? "now" : ""}>
              <th scope="row">{w.daysLong[n]}{n === day && ` (${w.today})`}</th>
              <td>{span ? `${span[0]} – ${span[1]}` : w.closedDay}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
