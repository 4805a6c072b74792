// Today's rule in one line, and on demand: whose day it is, by the last digit of the year of birth.
import { useState } from "preact/hooks";
import { dayOf, isOfToday, policies, quantity } from "../policies.ts";
import { useBeat, useSignal } from "../signal.ts";
import { language, useWords, type Strings } from "../strings.ts";
import type { Today } from "../types.ts";
import { Icon } from "./icons.tsx";

const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

function summary(today: Today, w: Strings): string {
  if (today.rules.length === 0) return w.ruleNone;
  if (today.rules.every((rule) => rule.gate === "closed")) return w.ruleClosed;
  if (today.everyone) return w.everyone;
  if (today.birth_digits) return w.digits(today.birth_digits);
  if (today.number_digits) return w.numberDigits(today.number_digits);
  return w.rule;
}

export function TodayCard() {
  const w = useWords();
  const known = useSignal(policies);
  const [open, setOpen] = useState(false);
  useBeat(1000);
  if (!known) return null;
  const { today } = known;
  const fresh = isOfToday(known);
  const day = w.daysLong[WEEK.indexOf(today.weekday)] ?? today.weekday;
  const holiday = today.holiday?.[language.value];
  return (
    <section class="today" aria-label={w.rule}>
      <button type="button" class="today-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="today-day">{fresh ? w.days[WEEK.indexOf(today.weekday)] ?? "" : "?"}</span>
        <span class="today-text">
          <strong>{fresh ? summary(today, w) : w.ruleOfAnotherDay(today.date)}</strong>
          <small>{fresh ? [holiday ?? day, today.rules[0] && quantity(today.rules[0], w)].filter(Boolean).join(" · ") : w.ruleNotKnown}</small>
        </span>
        <Icon name={open ? "up" : "down"} />
      </button>
      {open && fresh && <TodayMore today={today} />}
    </section>
  );
}

function TodayMore({ today }: { today: Today }) {
  const w = useWords();
  return (
    <div class="today-more">
      {today.birth_digits && !today.everyone && <Digits allowed={today.birth_digits} />}
      {today.rules.map((rule) => (
        <p key={rule.group}>
          {rule.words[language.value] || quantity(rule, w)}
          {rule.gate === "catch_up" && ` (${w.catchUp})`}
        </p>
      ))}
    </div>
  );
}

function Digits({ allowed }: { allowed: number[] }) {
  const w = useWords();
  const [asked, ask] = useState<number | null>(null);
  return (
    <div>
      <p id="ask-digit">{w.askDigit}</p>
      <div class="digits" role="group" aria-labelledby="ask-digit">
        {[1, 2, 3, 4, 5, 6, 7, 8, 9, 0].map((digit) => (
          <button type="button" key={digit} class={allowed.includes(digit) ? "may" : ""} aria-pressed={asked === digit} onClick={() => ask(digit)}>
            {digit}
          </button>
        ))}
      </div>
      <p role="status" class="answer">{asked !== null && answer(asked, allowed, w)}</p>
    </div>
  );
}

function answer(digit: number, allowed: number[], w: Strings): string {
  if (allowed.includes(digit)) return w.yes(digit);
  const day = policies.value ? dayOf(digit, policies.value) : null;
  return w.no(digit, day === null ? null : w.daysLong[day] ?? null);
}
