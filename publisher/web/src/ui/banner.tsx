// How fresh the page is: a quiet line when all is well, a plain banner when not.
import { ageOf } from "../age.ts";
import { freshness } from "../freshness.ts";
import { useBeat, useSignal } from "../signal.ts";
import { useWords } from "../strings.ts";
import { Icon } from "./icons.tsx";

/** "● 실시간 · 3초 전 자료" */
export function Pulse() {
  const w = useWords();
  const { at, offline, busy, stale, live } = useSignal(freshness);
  const now = live && !stale;
  useBeat(1000);
  if (!at || offline || busy) return null;
  return (
    <p class={`pulse ${now ? "live" : ""}`}>
      <span class="dot" aria-hidden="true" />
      {now ? w.liveNow : w.polled} · {w.dataAge(ageOf(at))}
    </p>
  );
}

/** Says it when there is no connection, the server is busy, or the server's own source is late. */
export function Banner() {
  const w = useWords();
  const { at, offline, busy, stale } = useSignal(freshness);
  useBeat(5000);
  const gone = offline || busy;
  const text = offline ? (at ? w.offline(ageOf(at)) : w.offlineNone)
    : busy ? (at ? w.busySince(ageOf(at)) : w.busy)
    : stale ? w.late(ageOf(at)) : null;
  return (
    <div role="status" class="banner-place">
      {text && (
        <p class="banner">
          <Icon name="warn" size={20} />
          <span>{text}{!gone && <> <a href="/status">{w.lateMore}</a></>}</span>
        </p>
      )}
    </div>
  );
}
