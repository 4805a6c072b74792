// What the visitor looks at: the view of the map, the chosen outlet, and where the visitor is.
import { recall, remember } from "./remembered.ts";
import { Signal } from "./signal.ts";
import type { Box } from "./tiles.ts";

export interface Place {
  lat: number;
  lng: number;
}

export interface View {
  centre: Place;
  zoom: number;
  /** Of what is not covered by panels. */
  box: Box;
}

export const view = new Signal<View | null>(null);
export const selected = new Signal<string | null>(null);
export const me = new Signal<Place | null>(null);
/** Said once to a screen reader. */
export const said = new Signal("");

/** Below this zoom the list shows districts, above it outlets. */
export const OUTLETS_FROM = 11.5;

/** A view from the address (#zoom/lat/lng/outlet), from the last visit, or none. */
export function firstView(): { zoom: number; lat: number; lng: number } | null {
  const [zoom, lat, lng, outlet] = (location.hash.slice(1) || recall("view") || "").split("/");
  selected.value = outlet ? decoded(outlet) : null;
  const numbers = { zoom: Number(zoom), lat: Number(lat), lng: Number(lng) };
  const plausible = numbers.zoom >= 6 && numbers.lat > 32 && numbers.lat < 40 && numbers.lng > 123 && numbers.lng < 133;
  return plausible ? numbers : null;
}

/** What stood in an address; none where it was not written as addresses are. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Keeps the address in step, so that a link leads back here. */
export function writeAddress(): void {
  const now = view.value;
  if (!now) return;
  const text = `${+now.zoom.toFixed(2)}/${now.centre.lat.toFixed(4)}/${now.centre.lng.toFixed(4)}`;
  remember("view", text);
  history.replaceState(null, "", `#${text}${selected.value ? `/${encodeURIComponent(selected.value)}` : ""}`);
}

view.follow(writeAddress);
selected.follow(writeAddress);
