// The page of the map: search, filter, map, list and detail.
import { render } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import "leaflet/dist/leaflet.css";
import "./style.css";
import { learn } from "./freshness.ts";
import { read, Repeating } from "./api.ts";
import { goNear, mount, zoomBy, type NearFault } from "./map.ts";
import { polling as policies } from "./policies.ts";
import { regions } from "./regions.ts";
import * as rows from "./rows.ts";
import { useSignal } from "./signal.ts";
import * as streams from "./streams.ts";
import { choose, language, useWords } from "./strings.ts";
import * as tiles from "./tiles.ts";
import { LEVELS, type Status } from "./types.ts";
import { said, selected } from "./view.ts";
import { install } from "./worker.ts";
import { Banner, Pulse } from "./ui/banner.tsx";
import { Credit } from "./ui/credit.tsx";
import { Detail } from "./ui/detail.tsx";
import { Filter } from "./ui/filter.tsx";
import { Icon, Mark } from "./ui/icons.tsx";
import { List } from "./ui/list.tsx";
import { Search } from "./ui/search.tsx";
import { TodayCard } from "./ui/today.tsx";

const status = new Repeating(async () => {
  const got = await read<Status>("/v1/status.json");
  if (got) learn(got.data, got.kept);
}, () => 15);

function MapPane() {
  const ref = useRef<HTMLDivElement>(null);
  const w = useWords();
  useEffect(() => mount(ref.current!), []);
  return <div id="map" ref={ref} role="application" aria-label={w.map} tabIndex={0} />;
}

function Controls({ onFault }: { onFault: (fault: NearFault | null) => void }) {
  const w = useWords();
  const [busy, setBusy] = useState(false);
  const near = async () => {
    setBusy(true);
    onFault(null);
    onFault(await goNear());
    setBusy(false);
  };
  return (
    <div class="controls">
      <div class="zoom">
        <button type="button" aria-label={w.zoomIn} onClick={() => zoomBy(1)}><Icon name="plus" /></button>
        <button type="button" aria-label={w.zoomOut} onClick={() => zoomBy(-1)}><Icon name="minus" /></button>
      </div>
      <button type="button" class="near" aria-busy={busy} onClick={() => void near()}><Icon name="near" />{w.nearMe}</button>
    </div>
  );
}

function Top() {
  const w = useWords();
  const other = useSignal(language) === "ko" ? "en" : "ko";
  return (
    <header class="top">
      <div class="top-line">
        <h1><img src="/icon.svg" alt="" width="32" height="32" /><span>{w.brand}<small>{w.title}</small></span></h1>
        <Search />
        <button type="button" class="tongue" lang={other} aria-label={w.otherLabel} onClick={() => choose(other)}>{other === "en" ? "EN" : "한"}</button>
      </div>
      <Filter />
    </header>
  );
}

/** What scrolls; an outlet that is closed gives the list back as it was, with the focus on its row. */
function useReturning(chosen: string | null) {
  const scroll = useRef<HTMLDivElement>(null);
  const before = useRef<{ id: string | null; top: number }>({ id: chosen, top: 0 });
  useEffect(() => selected.follow(() => {
    if (before.current.id === null) before.current.top = scroll.current?.scrollTop ?? 0;
  }), []);
  useLayoutEffect(() => {
    const { id, top } = before.current;
    before.current.id = chosen;
    if (id === chosen || !scroll.current) return;
    scroll.current.scrollTop = chosen ? 0 : top;
    // Who went on to the map or the search stays there.
    if (!chosen && (document.activeElement ?? document.body) === document.body) focusRow(id!);
  }, [chosen]);
  return scroll;
}

function focusRow(id: string): void {
  const row = document.querySelector<HTMLElement>(`.row[data-id="${CSS.escape(id)}"]`);
  (row ?? document.getElementById("list-title"))?.focus({ preventScroll: row !== null });
}

/** The panel of the list: at the side of a desk's screen, at the bottom of a phone's. */
function Sheet() {
  const w = useWords();
  const chosen = useSignal(selected);
  const [tall, setTall] = useState(false);
  const from = useRef<number | null>(null);
  const scroll = useReturning(chosen);
  const drop = (event: PointerEvent) => {
    const moved = from.current === null ? 0 : event.clientY - from.current;
    from.current = null;
    if (Math.abs(moved) > 24) setTall(moved < 0);
  };
  return (
    <main class={`sheet ${tall ? "tall" : ""} ${chosen ? "with-detail" : ""}`} id="list" tabIndex={-1}>
      <button
        type="button" class="grip" aria-expanded={tall} aria-label={tall ? w.collapse : w.expand} onClick={() => setTall(!tall)}
        onPointerDown={(event) => { from.current = event.clientY; event.currentTarget.setPointerCapture(event.pointerId); }} onPointerUp={drop}
      />
      <div class="scroll" tabIndex={-1} ref={scroll}>
        <Banner />
        {chosen ? <Detail key={chosen} id={chosen} /> : <><TodayCard /><Pulse /><List /></>}
        <Foot />
      </div>
    </main>
  );
}

function Foot() {
  const w = useWords();
  return (
    <footer>
      <h2 class="hidden">{w.legend}</h2>
      <ul class="legend">
        {LEVELS.map((level, n) => <li key={level}><Mark level={n} size={20} /><b>{w.level[level]}</b> {w.range[level]}</li>)}
      </ul>
      <p>{w.caution}</p>
      <p><a href="/status">{w.statusLink}</a> · <a href="/docs">{w.apiLink}</a></p>
    </footer>
  );
}

function App() {
  const w = useWords();
  const tongue = useSignal(language);
  const [fault, setFault] = useState<NearFault | null>(null);
  const spoken = useSignal(said);
  useEffect(() => {
    document.documentElement.lang = tongue;
    document.title = `${w.brand} · ${w.title}`;
  }, [tongue]);
  return (
    <div class="app">
      <a class="skip" href="#list" onClick={(event) => { event.preventDefault(); document.getElementById("list")?.focus(); }}>{w.skip}</a>
      <Top />
      <div class="map-pane">
        <MapPane />
        <Credit />
        <Controls onFault={setFault} />
        <div role="alert">
          {fault && <p class="fault"><span>{w[fault]}</span><button type="button" aria-label={w.close} onClick={() => setFault(null)}><Icon name="close" size={18} /></button></p>}
        </div>
      </div>
      <Sheet />
      <p class="hidden" role="status">{spoken}</p>
    </div>
  );
}

document.addEventListener("keydown", (event: KeyboardEvent) => event.key === "Escape" && !event.isComposing && (selected.value = null));
tiles.start();
streams.start();
regions.now();
policies.now();
status.now();
rows.start();
render(<App />, document.getElementById("app")!);
install(() => {
  tiles.again();
  regions.now();
  policies.now();
});
