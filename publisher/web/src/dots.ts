// A layer for Leaflet that draws every outlet on one canvas, fast enough for the whole country.
import * as L from "leaflet";
import { Lettering, writeAreas } from "./labels.ts";
import { shown } from "./filter.ts";
import { sprites } from "./sprites.ts";
import { spot, spots, type Spot } from "./spots.ts";

const PADDING = 0.25;
const PULSE_MS = 1500;
/** Radius of a mark in pixels from zoom 6 to 16. */
const RADIUS = [1.7, 2, 2.4, 2.9, 3.6, 4.4, 5.6, 7.2, 9, 11, 12.5];
/** From here the better stocked lie on top; from afar that would paint the country greener than it is. */
const SORTED_FROM = 11;
const NAMES_FROM = 15.5;

type Place = (x: number, y: number) => [number, number];

export interface Marks {
  selected: string | null;
  me: { lat: number; lng: number } | null;
}

interface Internals {
  _latLngToNewLayerPoint(latlng: L.LatLng, zoom: number, centre: L.LatLng): L.Point;
}

export class Dots extends L.Layer {
  marks: Marks = { selected: null, me: null };
  #canvas = document.createElement("canvas");
  #pen = this.#canvas.getContext("2d")!;
  #corner = L.point(0, 0);
  #cornerAt = L.latLng(0, 0);
  #zoom = 0;
  #frame = 0;
  #dark = matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    super({ pane: "overlayPane" });
    this.#canvas.className = "dots leaflet-zoom-animated";
    this.#dark.addEventListener("change", () => this.redraw());
  }

  override onAdd(): this {
    this.getPane()!.append(this.#canvas);
    this.#reset();
    return this;
  }

  override onRemove(): this {
    this.#canvas.remove();
    return this;
  }

  override getEvents() {
    return {
      moveend: () => this.#reset(),
      resize: () => this.#reset(),
      zoomanim: (event: L.LeafletEvent) => this.#animate(event as L.ZoomAnimEvent),
    };
  }

  /** Draws again with the next frame. */
  redraw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** The outlet that is drawn nearest to a point of the map, within some pixels. */
  nearest(at: L.Point, within: number): Spot | null {
    const place = this.#placing(this._map.containerPointToLayerPoint(L.point(0, 0)));
    let [best, least] = [null as Spot | null, within];
    for (const spot of spots()) {
      if (!shown(spot)) continue;
      const [x, y] = place(spot.x, spot.y);
      const distance = Math.hypot(x - at.x, y - at.y) + spot.level * 0.01;
      if (distance < least) [best, least] = [spot, distance];
    }
    return best;
  }

  #animate({ zoom, center }: L.ZoomAnimEvent): void {
    const offset = (this._map as unknown as Internals)._latLngToNewLayerPoint(this.#cornerAt, zoom, center);
    L.DomUtil.setTransform(this.#canvas, offset, this._map.getZoomScale(zoom, this.#zoom));
  }

  #reset(): void {
    const map = this._map;
    const size = map.getSize();
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [size.x, size.y].map((side) => Math.round(side * (1 + 2 * PADDING))) as [number, number];
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
      this.#canvas.style.width = `${width}px`;
      this.#canvas.style.height = `${height}px`;
    }
    this.#corner = map.containerPointToLayerPoint(size.multiplyBy(-PADDING)).round();
    this.#cornerAt = map.layerPointToLatLng(this.#corner);
    this.#zoom = map.getZoom();
    L.DomUtil.setTransform(this.#canvas, this.#corner, 1);
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#draw();
  }

  /** Turns web mercator into pixels from a corner given as a layer point. */
  #placing(corner: L.Point): Place {
    const map = this._map;
    const side = 256 * 2 ** map.getZoom();
    const origin = map.getPixelOrigin().add(corner);
    return (x, y) => [x * side - origin.x, y * side - origin.y];
  }

  #draw(): void {
    if (!this._map) return;
    const pen = this.#pen;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const zoom = this._map.getZoom();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    const place = this.#placing(this.#corner);
    const visible = this.#visible(place, zoom);
    this.#drawSpots(visible, zoom, ratio);
    this.#drawLabels(visible, zoom, place);
    this.#drawMarks(place, zoom);
    this._map.getContainer().dataset.drawn = String(visible.length);
  }

  #visible(place: Place, zoom: number): [Spot, number, number][] {
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    const out: [Spot, number, number][] = [];
    for (const spot of spots()) {
      if (!shown(spot)) continue;
      const [x, y] = place(spot.x, spot.y);
      if (x > -20 && y > -20 && x < width + 20 && y < height + 20) out.push([spot, x, y]);
    }
    if (zoom >= SORTED_FROM) out.sort((a, b) => b[0].level - a[0].level);
    return out;
  }

  #drawSpots(visible: [Spot, number, number][], zoom: number, ratio: number): void {
    const set = sprites(radius(zoom), ratio, this.#dark.matches);
    const time = performance.now();
    let pulsing = false;
    for (const [spot, x, y] of visible) {
      const { image, half } = set[spot.level]!;
      if (spot.pulse && time - spot.pulse < PULSE_MS) {
        pulsing = true;
        this.#drawPulse(x, y, radius(zoom), (time - spot.pulse) / PULSE_MS);
      }
      this.#pen.drawImage(image, x - half, y - half, half * 2, half * 2);
    }
    if (pulsing && zoom >= SORTED_FROM) this.redraw();
  }

  #drawPulse(x: number, y: number, r: number, part: number): void {
    const pen = this.#pen;
    pen.beginPath();
    pen.arc(x, y, r * (1.2 + part * 1.6), 0, 2 * Math.PI);
    pen.globalAlpha = 0.5 * (1 - part);
    pen.fillStyle = "#3b82f6";
    pen.fill();
    pen.globalAlpha = 1;
  }

  #drawLabels(visible: [Spot, number, number][], zoom: number, place: Place): void {
    const dark = this.#dark.matches;
    const lettering = new Lettering(this.#pen, dark ? "#c9d4df" : "#33414e", dark ? "rgba(16,22,29,.85)" : "rgba(255,255,255,.88)");
    writeAreas(lettering, zoom, place);
    if (zoom < NAMES_FROM) return;
    const offset = radius(zoom) + 10;
    for (const [{ name }, x, y] of visible) if (name) lettering.write(name, x, y + offset, 12, 500);
  }

  #drawMarks(place: Place, zoom: number): void {
    const pen = this.#pen;
    const { me, selected } = this.marks;
    if (me) {
      const at = L.CRS.EPSG3857.latLngToPoint(L.latLng(me.lat, me.lng), 0).divideBy(256);
      const [x, y] = place(at.x, at.y);
      ring(pen, x, y, 16, "rgba(21,84,209,.2)", "transparent");
      ring(pen, x, y, 7, "#1554d1", "#ffffff");
    }
    const chosen = selected ? spot(selected) : undefined;
    if (chosen) {
      const [x, y] = place(chosen.x, chosen.y);
      const r = Math.max(9, radius(zoom) + 4);
      ring(pen, x, y, r + 3, "transparent", "#ffffff", 6);
      ring(pen, x, y, r + 3, "transparent", "#1554d1", 3);
    }
  }
}

function ring(pen: CanvasRenderingContext2D, x: number, y: number, r: number, fill: string, edge: string, width = 2.5): void {
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.fillStyle = fill;
  pen.fill();
  pen.lineWidth = width;
  pen.strokeStyle = edge;
  pen.stroke();
}

function radius(zoom: number): number {
  const at = Math.min(RADIUS.length - 1, Math.max(0, Math.round(zoom) - 6));
  return RADIUS[at]!;
}
