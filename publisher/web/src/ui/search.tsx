// Finding a district or an outlet: a combobox with one list of both.
import { useEffect, useRef, useState } from "preact/hooks";
import { showArea, showPlace } from "../map.ts";
import * as names from "../names.ts";
import { areas, findAreas, fullName, inStock, type Area } from "../regions.ts";
import { useSignal } from "../signal.ts";
import { language, useWords } from "../strings.ts";
import { spot } from "../spots.ts";
import type { Info } from "../types.ts";
import { said, selected } from "../view.ts";
import { Icon, Mark } from "./icons.tsx";

type Found = { area: Area } | { info: Info };

const keyOf = (found: Found): string => ("area" in found ? `a${found.area.code}` : `o${found.info.id}`);

function go(found: Found): void {
  if ("area" in found) {
    selected.value = null;
    showArea(found.area);
    said.value = fullName(found.area, language.value);
    return;
  }
  const { id, lat, lng } = found.info;
  // One whose place is not known has no place to go to.
  if (lat !== null && lng !== null) showPlace({ lat, lng }, 15.5);
  selected.value = id;
}

export function Search() {
  const w = useWords();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const state = useSignal(names.state);
  useSignal(areas);
  useEffect(() => setAt(-1), [text]);
  const wanted = text.trim();
  const found: Found[] = open && wanted ? [...findAreas(wanted, 6).map((area) => ({ area })), ...names.find(wanted, 20).map((info) => ({ info }))] : [];
  const pick = (one: Found | undefined) => {
    if (!one) return;
    go(one);
    setText("");
    setOpen(false);
    input.current?.blur();
  };
  const key = (event: KeyboardEvent) => {
    // An Escape in this box is meant for this box, not for the outlet that is open.
    if (event.key === "Escape") event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(-1, at - 1));
    else if (event.key === "Enter") pick(found[Math.max(0, at)]);
    else if (event.key === "Escape") setOpen(false);
    else return;
    event.preventDefault();
  };
  const type = (event: Event) => {
    setText((event.target as HTMLInputElement).value);
    setOpen(true);
    void names.load();
  };
  return (
    <div class="search" role="search" onFocusOut={(event) => !event.currentTarget.contains(event.relatedTarget as Node) && setOpen(false)}>
      <Icon name="search" />
      <input
        ref={input} type="text" inputMode="search" enterkeyhint="search" autocomplete="off" spellcheck={false}
        role="combobox" aria-expanded={found.length > 0} aria-controls="found" aria-autocomplete="list"
        aria-activedescendant={at >= 0 && found[at] ? `found-${keyOf(found[at])}` : undefined}
        aria-label={w.search} placeholder={w.search} value={text} onInput={type} onKeyDown={key} onFocus={() => setOpen(true)}
      />
      {text && <button type="button" class="plain" aria-label={w.clear} onClick={() => { setText(""); input.current?.focus(); }}><Icon name="close" /></button>}
      <Results found={found} at={at} pick={pick} />
      {open && wanted && <p class={`found-note ${found.length === 0 ? "alone" : "hidden"}`} role="status">{note(found.length, wanted, state, w)}</p>}
    </div>
  );
}

function note(n: number, wanted: string, state: string, w: ReturnType<typeof useWords>): string {
  if (n > 0) return w.results(n);
  if (names.tooShort(wanted)) return w.typeMore;
  return state === "loading" ? w.loadingNames : state === "failed" ? w.noNames : w.nothingFound;
}

function Results({ found, at, pick }: { found: Found[]; at: number; pick: (one: Found) => void }) {
  const w = useWords();
  return (
    <ul id="found" role="listbox" aria-label={w.search} hidden={found.length === 0}>
      {found.map((one, n) => (
        <li key={keyOf(one)} id={`found-${keyOf(one)}`} role="option" aria-selected={n === at} onPointerDown={(event) => event.preventDefault()} onClick={() => pick(one)}>
          {"area" in one ? <AreaLine area={one.area} /> : <OutletLine info={one.info} />}
        </li>
      ))}
    </ul>
  );
}

function AreaLine({ area }: { area: Area }) {
  const w = useWords();
  return (
    <>
      <Icon name="area" />
      <span><b>{fullName(area, language.value)}</b><small>{w.outlets(area.outlets)} · {w.inStock(inStock(area))}</small></span>
    </>
  );
}

function OutletLine({ info }: { info: Info }) {
  return (
    <>
      <Mark level={spot(info.id)?.level ?? 5} />
      <span><b>{info.name}</b><small>{info.addr.trim()}</small></span>
    </>
  );
}
