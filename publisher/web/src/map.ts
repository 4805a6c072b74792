// The map: Leaflet with the layer of outlets, kept in step with the tiles, the streams and the chosen outlet.
import * as L from "leaflet";
import { background } from "./background.ts";
import { Dots } from "./dots.ts";
import { levels } from "./filter.ts";
import { areas, inView, middle, type Area } from "./regions.ts";
import { changes, metres, type Spot } from "./spots.ts";
import * as streams from "./streams.ts";
import { language, words } from "./strings.ts";
import * as tiles from "./tiles.ts";
import { firstView, me, selected, view, type Place } from "./view.ts";

const COUNTRY = L.latLngBounds([33.1, 125.9], [38.6, 129.7]);
const LIMITS = L.latLngBounds([31.5, 122], [40.5, 134]);
/** How far the map may be dragged: wide enough that a tall screen can have the country where no panel lies. */
const ROAM = L.latLngBounds([22, 112], [49, 144]);
const STREAM_FROM = 12;
const CLICK_PX = 24;

let map: L.Map | null = null;
const dots = new Dots();
const desk = matchMedia("(min-width: 900px)");

/** Pixels at the edges that panels cover. */
function covered(): { topLeft: [number, number]; bottomRight: [number, number] } {
  if (desk.matches) return { topLeft: [20, 20], bottomRight: [20, 20] };
  return { topLeft: [16, 150], bottomRight: [16, selected.value ? innerHeight * 0.56 : Math.max(260, innerHeight * 0.32)] };
}

const padding = (): L.FitBoundsOptions => ({ paddingTopLeft: covered().topLeft, paddingBottomRight: covered().bottomRight });
const calm = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Puts the map into an element, once. */
export function mount(element: HTMLElement): void {
  map = L.map(element, {
    zoomControl: false, minZoom: 6, maxZoom: 18, zoomSnap: 0.5, maxBounds: ROAM, maxBoundsViscosity: 0.8,
    fadeAnimation: false, zoomAnimation: !calm(), inertia: !calm(), attributionControl: false,
  });
  raster(map);
  const first = firstView();
  if (first) map.setView([first.lat, first.lng], first.zoom);
  else map.fitBounds(COUNTRY, padding());
  dots.addTo(map);
  map.on("moveend", settle);
  map.on("click", (event) => click(event.containerPoint));
  element.addEventListener("keydown", (event) => event.key === "Enter" && chooseMiddle());
  for (const signal of [changes, levels, areas, language]) signal.follow(() => dots.redraw());
  areas.follow(() => subscribe());
  selected.follow(mark);
  me.follow(mark);
  addEventListener("hashchange", pasted);
  new ResizeObserver(() => map?.invalidateSize({ pan: false })).observe(element);
  mark();
  settle();
}

/** Goes where an address leads that was put in place of this one. */
function pasted(): void {
  if (!location.hash) return;
  const to = firstView();
  if (to) map?.setView([to.lat, to.lng], to.zoom, { animate: false });
}

/** Adds the operator's own background, where one is configured. */
function raster(map: L.Map): void {
  if (!background.tiles) return;
  L.tileLayer(background.tiles, { maxZoom: 18, className: "raster" }).addTo(map);
}

function mark(): void {
  dots.marks = { selected: selected.value, me: me.value };
  dots.redraw();
}

/** The part of the map that no panel covers. */
function openBox(map: L.Map): tiles.Box {
  const { topLeft, bottomRight } = covered();
  const size = map.getSize();
  const nw = map.containerPointToLatLng([topLeft[0] / 2, topLeft[1] / 2]);
  const se = map.containerPointToLatLng([size.x - bottomRight[0] / 2, size.y - bottomRight[1]]);
  return { west: nw.lng, north: nw.lat, east: se.lng, south: se.lat };
}

function settle(): void {
  if (!map) return;
  const box = openBox(map);
  const whole = map.getBounds();
  const zoom = map.getZoom();
  view.value = { centre: { lat: (box.north + box.south) / 2, lng: (box.west + box.east) / 2 }, zoom, box };
  const seen = { west: whole.getWest(), south: whole.getSouth(), east: whole.getEast(), north: whole.getNorth() };
  tiles.want(tiles.covering(seen, zoom));
  subscribe();
}

/** Follows the districts in view, those of its middle first. */
function subscribe(): void {
  const now = view.value;
  if (!now || now.zoom < STREAM_FROM) return streams.follow([], false);
  const districts = inView(now.box).filter((area) => !area.province && !area.parent);
  const distance = (area: Area) => metres(middle(area.bbox!), now.centre);
  const codes = districts.sort((a, b) => distance(a) - distance(b)).map((area) => area.code);
  streams.follow(codes, codes.length > 0);
}

function click(at: L.Point): void {
  if (!map) return;
  const spot = dots.nearest(at, CLICK_PX);
  if (!spot) return void (selected.value = null);
  if (map.getZoom() >= 11) return choose(spot);
  map.flyTo([spot.lat, spot.lng], Math.min(13, map.getZoom() + 3), { duration: 0.6, animate: !calm() });
}

function choose(spot: Spot): void {
  selected.value = spot.id;
}

function chooseMiddle(): void {
  const now = view.value;
  if (!map || !now) return;
  const spot = dots.nearest(map.latLngToContainerPoint([now.centre.lat, now.centre.lng]), 200);
  if (spot) choose(spot);
}

export const zoomBy = (steps: number): void => void map?.setZoom(map.getZoom() + steps);

/** Moves so that an area fills what is open of the map. */
export function showArea(area: Area): void {
  const [west, south, east, north] = area.bbox!;
  map?.flyToBounds([[south, west], [north, east]], { ...padding(), maxZoom: 15, duration: 0.7, animate: !calm() });
}

/** Moves so that a place lies in the middle of what is open. */
export function showPlace(place: Place, zoom: number): void {
  if (!map) return;
  const { topLeft, bottomRight } = covered();
  const to = Math.max(zoom, map.getZoom());
  const shift = L.point((bottomRight[0] - topLeft[0]) / 2, (bottomRight[1] - topLeft[1]) / 2);
  const centre = map.unproject(map.project([place.lat, place.lng], to).add(shift), to);
  map.flyTo(centre, to, { duration: 0.7, animate: !calm() });
}

/** Brings a chosen outlet into sight only where it is not. */
export function reveal(place: Place): void {
  if (!map) return;
  const box = openBox(map);
  const inside = place.lng > box.west && place.lng < box.east && place.lat > box.south && place.lat < box.north;
  if (!inside || map.getZoom() < 13) showPlace(place, 15);
}

export type NearFault = "nearDenied" | "nearTimeout" | "nearNone" | "nearOutside";

/** Asks where the visitor is and goes there. */
export function goNear(): Promise<NearFault | null> {
  if (!navigator.geolocation) return Promise.resolve("nearNone");
  const options = { enableHighAccuracy: true, timeout: 10_000, maximumAge: 30_000 };
  return new Promise((resolve) => navigator.geolocation.getCurrentPosition(
    ({ coords }) => resolve(arrive({ lat: coords.latitude, lng: coords.longitude })),
    (error) => resolve(error.code === error.TIMEOUT ? "nearTimeout" : "nearDenied"),
    options,
  ));
}

function arrive(place: Place): NearFault | null {
  if (!LIMITS.contains([place.lat, place.lng])) return "nearOutside";
  me.value = place;
  selected.value = null;
  showPlace(place, 15);
  return null;
}

export const label = (): string => words().map;
