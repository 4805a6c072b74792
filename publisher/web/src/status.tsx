// The page of the status: the way of the data as a picture, which hop is late and since when, and where it is silent.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import "./style.css";
import "./status.css";
import { ageOf } from "./age.ts";
import { Flow } from "./status/flow.tsx";
import { Silence } from "./status/silence.tsx";
import { Engine, Outlets } from "./status/facts.tsx";
import { Troubles, troubles } from "./status/trouble.tsx";
import { heard, lateHops, state, watch } from "./status/state.ts";
import { regions } from "./regions.ts";
import { useBeat, useSignal } from "./signal.ts";
import { choose, language, useWords } from "./strings.ts";
import { install } from "./worker.ts";

/** One sentence: is all well, and if not, what is late and since when. */
function Verdict() {
  const w = useWords();
  const { status, reachable } = useSignal(state);
  useBeat(1000);
  if (!status) return <p class="verdict" role="status">{reachable ? w.loading : w.s.unreachable}</p>;
  const at = Date.parse(status.last_updated);
  const late = lateHops(status);
  const names = late.map((hop) => w.s.hop[hop] ?? hop).join(", ");
  const wrong = troubles(status.writing, w);
  const known = heard(status);
  const bad = !known || late.length > 0 || wrong.length > 0;
  const text = [
    !reachable && w.s.unreachable,
    status.source === "stale" && w.s.stale,
    status.writing?.dead && w.s.trouble.writesDead,
    !known && w.s.unheard,
    late.length > 0 && w.s.bad(names),
    wrong.length > 0 && w.s.trouble.some(wrong.length),
    w.s.good,
  ].find(Boolean);
  const since = late.includes("published_to_you") || status.source === "stale" || !reachable ? w.s.sinceData(ageOf(at)) : w.s.shown(ageOf(at));
  return (
    <div class={`verdict ${bad ? "bad" : "good"}`} role="status">
      <strong>{text}</strong>
      <span>{since}</span>
    </div>
  );
}

function Page() {
  const w = useWords();
  const tongue = useSignal(language);
  const { status } = useSignal(state);
  const other = tongue === "ko" ? "en" : "ko";
  useEffect(() => {
    document.documentElement.lang = tongue;
    document.title = `${w.brand} · ${w.s.title}`;
  }, [tongue]);
  return (
    <div class="page">
      <header>
        <a class="home" href="/"><img src="/icon.svg" alt="" width="40" height="40" />{w.s.map}</a>
        <button type="button" class="tongue" lang={other} aria-label={w.otherLabel} onClick={() => choose(other)}>{other === "en" ? "EN" : "한"}</button>
      </header>
      <main>
        <h1>{w.s.title}</h1>
        <p class="lead">{w.s.lead}</p>
        <Verdict />
        {status && <><Troubles status={status} /><Flow status={status} /><Outlets status={status} /><Silence status={status} /><Engine status={status} /></>}
      </main>
      <footer><p>{w.s.refreshed} <a href="/v1/status.json">/v1/status.json</a></p></footer>
    </div>
  );
}

watch();
regions.now();
render(<Page />, document.getElementById("app")!);
install(() => regions.now());
