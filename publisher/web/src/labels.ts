// Names on the map: provinces from afar, districts nearer, outlets nearest; none upon another.
import { areas, nameOf, seat, type Area } from "./regions.ts";
import { language } from "./strings.ts";
import { mercatorX, mercatorY } from "./spots.ts";

interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Writes on a canvas, refusing a place that is taken. */
export class Lettering {
  #taken: Rectangle[] = [];

  constructor(
    private readonly pen: CanvasRenderingContext2D,
    private readonly ink: string,
    private readonly halo: string,
  ) {}

  write(text: string, x: number, y: number, size: number, weight: number): boolean {
    const { pen } = this;
    pen.font = `${weight} ${size}px Pretendard, "Apple SD Gothic Neo", "Noto Sans KR", NanumGothic, system-ui, sans-serif`;
    const width = pen.measureText(text).width + 8;
    const box = { x: x - width / 2, y: y - size * 0.7, width, height: size * 1.4 };
    if (this.#taken.some((other) => overlap(other, box))) return false;
    this.#taken.push(box);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.strokeStyle = this.halo;
    pen.strokeText(text, x, y);
    pen.fillStyle = this.ink;
    pen.fillText(text, x, y);
    return true;
  }
}

const overlap = (a: Rectangle, b: Rectangle): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Areas to be named at a zoom, the larger first. */
function named(zoom: number): Area[] {
  if (zoom >= 14.5) return [];
  const provinces = zoom < 9;
  return areas.value
    .filter((area) => area.bbox && area.province === provinces && (provinces || !area.parent))
    .sort((a, b) => b.outlets - a.outlets);
}

/** Writes names of areas; `place` turns web mercator into pixels. */
export function writeAreas(lettering: Lettering, zoom: number, place: (x: number, y: number) => [number, number]): void {
  const size = zoom < 9 ? 14 : 13;
  for (const area of named(zoom)) {
    const { lat, lng } = seat(area);
    const [x, y] = place(mercatorX(lng), mercatorY(lat));
    // Seoul lies within Gyeonggi: from afar a name whose place is taken goes a line lower or higher.
    const lines = zoom < 9 ? [0, size * 1.3, size * -1.3] : [0];
    lines.some((line) => lettering.write(nameOf(area, language.value), x, y + line, size, 700));
  }
}
