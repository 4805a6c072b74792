// What the server says of a background for the map: the address of its tiles, and whose they are.

const told = (name: string): string => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content.trim() ?? "";

export const background = { tiles: told("jaego-tiles"), attribution: told("jaego-tiles-attribution") };

/** A piece of a text; one with `url` is a link. */
export interface Piece {
  text: string;
  url?: string;
}

/** Takes a text apart, of which `[words](https://…)` is a link. */
export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const link of text.matchAll(/\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g)) {
    if (link.index > from) out.push({ text: text.slice(from, link.index) });
    out.push({ text: link[1]!, url: link[2]! });
    from = link.index + link[0].length;
  }
  return from < text.length ? [...out, { text: text.slice(from) }] : out;
}
