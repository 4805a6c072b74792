// Korean place names in Latin letters by the Revised Romanization (2000): 종로구 becomes Jongno-gu.

const INITIAL = "g kk n d tt r m b pp s ss  j jj ch k t p h".split(" ");
const VOWEL = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split(" ");
// Finals by their sound: k, n, t, l, m, p, ng.
const FINAL = " k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split(" ");
const SUFFIX = /(?<=..)(시|군|구|도)$|^(.)(시|군|구|도)$/;

interface Syllable {
  initial: number;
  vowel: string;
  final: string;
}

function split(letter: string): Syllable | null {
  const code = letter.charCodeAt(0) - 0xac00;
  if (code < 0 || code >= 11_172) return null;
  return { initial: Math.floor(code / 588), vowel: VOWEL[Math.floor(code / 28) % 21]!, final: FINAL[code % 28]! };
}

const [N, R, M, NONE] = [2, 5, 6, 11];

/** How the end of one syllable and the beginning of the next sound together. */
function joint(final: string, next: number): string {
  if (next === NONE) return { k: "g", t: "s", p: "b", l: "r" }[final] ?? final;
  if (next === R) {
    if (final === "l" || final === "n") return "ll";
    return { k: "ngn", t: "nn", p: "mn", ng: "ngn", m: "mn" }[final] ?? "r";
  }
  if (final === "l" && next === N) return "ll";
  if (next === N || next === M) return ({ k: "ng", t: "n", p: "m" }[final] ?? final) + INITIAL[next];
  return final + INITIAL[next];
}

/** One word without a hyphen, in small letters. */
export function spell(word: string): string {
  let out = "";
  let final = "";
  for (const letter of word) {
    const syllable = split(letter);
    if (!syllable) {
      out += final + letter;
      final = "";
      continue;
    }
    out += joint(final, syllable.initial) + syllable.vowel;
    final = syllable.final;
  }
  return out + final;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A district: its name, a hyphen, and what it is. */
export function district(name: string): string {
  const found = SUFFIX.exec(name);
  if (!found) return capital(spell(name));
  const kind = name.slice(-1);
  return `${capital(spell(name.slice(0, -1)))}-${spell(kind)}`;
}
