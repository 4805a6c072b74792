// Whose the background of the map is, where there is one.
import { background, pieces } from "../background.ts";

export function Credit() {
  if (!background.tiles || !background.attribution) return null;
  return (
    <p class="credit">
      {pieces(background.attribution).map(({ text, url }) => (url ? <a href={url} target="_blank" rel="noopener">{text}</a> : text))}
    </p>
  );
}
