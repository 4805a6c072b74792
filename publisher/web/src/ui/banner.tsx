// How fresh the page is: a quiet line when all is well, a plain banner when not.
import { ageOf } from "../age.ts";
import { freshness } from "../freshness.ts";
import { useBeat, useSignal } from "../signal.ts";
import { useWords } from "../strings.ts";
import { Icon } from "./icons.tsx";

/** "● 실시간 · 3초 전 자료" */
export function Pulse() {
  const w = useWords();
  const { at, offline, live } = useSignal(freshness);
  useBeat(1000);
  if (!at || offline) return null;
  return (
    <p class={`pulse ${live ? "live" : ""}`}>
      <span class="dot" aria-hidden="true" />
      {live ? w.liveNow : w.polled} · {w.dataAge(ageOf(at))}
    </p>
  );
}

/** Says it when there is no connection, or the server's own source is late. */
export function Banner() {
  const w = useWords();
  const { at, offline, stale } = useSignal(freshness);
  useBeat(5000);
  const text = offline ? (at ? w.offline(ageOf(at)) : w.offlineNone) : stale ? w.late(ageOf(at)) : null;
  return (
    <div role="status" class="banner-place">
      {text && (
        <p class="banner">
          <Icon name="warn" size={20} />
          <span>{text}{!offline && <> <a href="/status">{w.lateMore}</a></>}</span>
        </p>
      )}
    </div>
  );
}
