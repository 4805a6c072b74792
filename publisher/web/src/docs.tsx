// The page of the open data: every operation of the contract, with an answer of this very server on demand.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "./style.css";
import "./status.css";
import "./docs.css";
import { useSignal } from "./signal.ts";
import { choose, language, useWords, type Strings } from "./strings.ts";

interface Parameter {
  in: string;
  name: string;
  description: string;
  required: boolean;
  schema: { minimum?: number; maximum?: number; enum?: string[]; pattern?: string; examples?: unknown[] };
  example?: unknown;
}

interface Operation {
  operationId: string;
  summary: string;
  parameters: { $ref: string }[];
  responses: Record<string, { content?: Record<string, { example?: unknown }> }>;
  deprecated?: boolean;
}

const METHODS = ["get", "post"] as const;
type Method = (typeof METHODS)[number];

interface Contract {
  info: { title: string; version: string; description: string };
  paths: Record<string, Partial<Record<Method, Operation>>>;
  components: { parameters: Record<string, Parameter> };
}

/** What stands for a parameter in an example. */
const EXAMPLES: Record<string, string> = {
  code: "11680", region: "11680", lat: "37.5663", lng: "126.9779", radius_m: "300", limit: "3", min_level: "few",
  bbox: "126.97,37.56,126.98,37.57", z: "12", x: "3492", y: "1586", m: "300", address: "서울특별시 강남구",
};
/** An answer is shown up to here. */
const SHOWN = 1_200;

function parametersOf(operation: Operation, contract: Contract): Parameter[] {
  return operation.parameters.map(({ $ref }) => contract.components.parameters[$ref.split("/").pop()!]!);
}

interface History {
  days: { files: { url: string }[] }[];
}

/** The address of a file of the newest day that is over and kept; none where no day is. */
async function fileOfHistory(): Promise<string | null> {
  const answer = await fetch("/v1/history.json");
  const { days } = answer.ok ? ((await answer.json()) as History) : { days: [] };
  return days.flatMap(({ files }) => files).at(-1)?.url ?? null;
}

/** An address that can be asked, with values in place of the parameters; the version, an outlet and a day are those of now. */
async function exampleOf(path: string, parameters: Parameter[]): Promise<string | null> {
  if (path.startsWith("/v1/history/")) return fileOfHistory();
  const now = (await given(await fetch("/v1/status.json")).json()) as { version: number };
  const near = async () => ((await given(await fetch("/v1/nearby?lat=37.5663&lng=126.9779&radius_m=5000&limit=1")).json()) as { outlets: { id: string }[] }).outlets[0]?.id;
  const value = async (name: string) =>
    name === "since" || name === "version" ? String(now.version) : name === "id" ? ((await near()) ?? "") : EXAMPLES[name];
  let url = path;
  const query = new URLSearchParams();
  for (const { in: place, name } of parameters) {
    const given = await value(name);
    if (given === undefined) continue;
    if (place === "path") url = url.replace(`{${name}}`, encodeURIComponent(given));
    if (place === "query") query.set(name, given);
  }
  return query.size > 0 ? `${url}?${query}` : url;
}

/** What is told of an answer that is no text. */
function binary(answer: Response, stop: AbortController): string {
  stop.abort();
  return [answer.status, answer.headers.get("content-type"), answer.headers.get("content-length")].filter(Boolean).join(" · ");
}

/** The head of an answer, cut off after so much; a stream is cut as well. */
async function ask(url: string, w: Strings): Promise<string> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 3_000);
  let text = "";
  try {
    const answer = await fetch(url, { signal: stop.signal });
    if (answer.headers.has("x-jaego-kept")) text = `${w.unreadKept}\n\n`;
    if (!answer.ok) text = `${w.d.refused(answer.status)}\n\n`;
    if (!/json|text|xml|event-stream|csv/.test(answer.headers.get("content-type") ?? "")) return binary(answer, stop);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value;
      if (text.length > SHOWN) break;
    }
    stop.abort();
  } catch (error) {
    if (text === "") text = String(error);
  }
  clearTimeout(timer);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)} …` : text;
}

function limits({ schema, example }: Parameter): string {
  if (schema.enum) return schema.enum.join(", ");
  if (schema.minimum !== undefined) return `${schema.minimum} – ${schema.maximum! > Number.MAX_SAFE_INTEGER ? "…" : schema.maximum}`;
  return String(example ?? schema.examples?.[0] ?? "");
}

/** An answer that is what was asked for. */
function given(answer: Response): Response {
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  return answer;
}

/** The operations of the contract, in its order. */
function operationsOf(contract: Contract): { path: string; method: Method; operation: Operation }[] {
  const of = ([path, item]: [string, Contract["paths"][string]]) => METHODS.flatMap((method) => (item[method] ? [{ path, method, operation: item[method] }] : []));
  return Object.entries(contract.paths).flatMap(of);
}

/** A text of which what stands between backticks is code. */
const coded = (text: string) => text.split("`").map((part, n) => (n % 2 === 1 ? <code key={n}>{part}</code> : part));

function Entry({ path, method, operation, contract }: { path: string; method: Method; operation: Operation; contract: Contract }) {
  const w = useWords();
  const [shown, setShown] = useState<{ url: string | null; text: string } | null>(null);
  const parameters = parametersOf(operation, contract);
  const show = async () => {
    setShown({ url: null, text: w.loading });
    const url = await exampleOf(path, parameters);
    if (url === null) return setShown({ url, text: w.d.noExample });
    setShown({ url, text: w.loading });
    setShown({ url, text: await ask(url, w) });
  };
  const failed = (error: unknown) => setShown({ url: null, text: String(error) });
  const media = Object.keys((operation.responses["200"] ?? operation.responses["201"])?.content ?? {}).join(", ");
  return (
    <section id={operation.operationId}>
      <h2><code>{method.toUpperCase()} {path}</code></h2>
      {operation.deprecated && <p><strong>{w.d.deprecated}</strong></p>}
      <p>{operation.summary}. <small>{media} · {Object.keys(operation.responses).join(" ")}</small></p>
      {parameters.length > 0 && (
        <ul class="parameters">
          {parameters.map((one) => <li key={one.name}><code>{one.name}</code>{one.required ? " *" : ""} {one.description} <small>{limits(one)}</small></li>)}
        </ul>
      )}
      {method === "get" && <button type="button" class="show" onClick={() => void show().catch(failed)}>{w.d.show}</button>}
      {shown && <div role="status">{shown.url && <p><a href={shown.url}>{shown.url}</a></p>}<pre tabIndex={0}>{shown.text}</pre></div>}
    </section>
  );
}

function Page() {
  const w = useWords();
  const tongue = useSignal(language);
  const other = tongue === "ko" ? "en" : "ko";
  const [contract, setContract] = useState<Contract | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => void fetch("/openapi.json").then(given).then((answer) => answer.json()).then(setContract, () => setFailed(true)), []);
  useEffect(() => {
    document.documentElement.lang = tongue;
    document.title = `${w.brand} · ${w.apiLink}`;
  }, [tongue]);
  return (
    <div class="page">
      <header>
        <a class="home" href="/"><img src="/icon.svg" alt="" width="40" height="40" />{w.s.map}</a>
        <button type="button" class="tongue" lang={other} aria-label={w.otherLabel} onClick={() => choose(other)}>{other === "en" ? "EN" : "한"}</button>
      </header>
      <main>
        <h1>{w.apiLink}</h1>
        <p class="lead">{w.d.lead} <a href="/openapi.json">/openapi.json</a></p>
        {!contract && <p role="status">{failed ? w.d.failed : w.loading}</p>}
        {contract && <p class="lead" lang="en">{coded(contract.info.description)}</p>}
        {contract && operationsOf(contract).map((one) => <Entry key={one.operation.operationId} {...one} contract={contract} />)}
      </main>
    </div>
  );
}

render(<Page />, document.getElementById("app")!);
