// The mark of each level: the colours of 2020, and a shape and inner pattern for those who do not tell them apart.
import { LEVELS, type Level } from "./types.ts";

interface Look {
  fill: string;
  edge: string;
  mark: string;
}

const LIGHT: Record<Level, Look> = {
  plenty: { fill: "#1a9e4b", edge: "#0c5f2b", mark: "#ffffff" },
  some: { fill: "#f7b500", edge: "#8a5a00", mark: "#4d3200" },
  few: { fill: "#e03131", edge: "#8f1313", mark: "#ffffff" },
  empty: { fill: "#ffffff", edge: "#78838f", mark: "#78838f" },
  break: { fill: "#5b6672", edge: "#333b44", mark: "#ffffff" },
  unknown: { fill: "#dfe4e9", edge: "#98a3ae", mark: "#6b7682" },
};
const DARK: Record<Level, Look> = {
  ...LIGHT,
  plenty: { fill: "#2fbf68", edge: "#bff2d1", mark: "#05351a" },
  some: { fill: "#ffcc33", edge: "#fff0c2", mark: "#4d3200" },
  few: { fill: "#ff5c5c", edge: "#ffd9d9", mark: "#4a0404" },
  empty: { fill: "#10161d", edge: "#9aa6b2", mark: "#9aa6b2" },
  break: { fill: "#8a95a1", edge: "#dde3e9", mark: "#10161d" },
  unknown: { fill: "#2c3640", edge: "#5f6b77", mark: "#8a95a1" },
};

type Pen = CanvasRenderingContext2D;

/** The outline around 0,0: circle, rounded square, triangle. */
function outline(pen: Pen, level: Level, r: number): void {
  pen.beginPath();
  if (level === "some") pen.rect(-r * 0.86, -r * 0.86, r * 1.72, r * 1.72);
  else if (level === "few") {
    pen.moveTo(0, -r * 1.1);
    pen.lineTo(r * 1.1, r * 0.85);
    pen.lineTo(-r * 1.1, r * 0.85);
    pen.closePath();
  } else pen.arc(0, 0, r, 0, 2 * Math.PI);
}

/** Strokes between points given as x,y,x,y in parts of the radius. */
function lines(pen: Pen, r: number, width: number, ...segments: number[][]): void {
  pen.lineWidth = r * width;
  pen.lineCap = "round";
  pen.beginPath();
  for (const [x1, y1, x2, y2] of segments as [number, number, number, number][]) {
    pen.moveTo(x1 * r, y1 * r);
    pen.lineTo(x2 * r, y2 * r);
  }
  pen.stroke();
}

/** The inner pattern: cross, two bars, one dot, slash, pause, question's dot. */
function pattern(pen: Pen, level: Level, r: number): void {
  if (level === "plenty") lines(pen, r, 0.34, [-0.48, 0, 0.48, 0], [0, -0.48, 0, 0.48]);
  if (level === "some") lines(pen, r, 0.26, [-0.42, -0.24, 0.42, -0.24], [-0.42, 0.26, 0.42, 0.26]);
  if (level === "few") lines(pen, r, 0.34, [0, 0.26, 0, 0.27]);
  if (level === "empty") lines(pen, r, 0.22, [-0.4, 0.4, 0.4, -0.4]);
  if (level === "break") lines(pen, r, 0.28, [-0.26, -0.36, -0.26, 0.36], [0.26, -0.36, 0.26, 0.36]);
  if (level === "unknown") lines(pen, r, 0.3, [0, 0, 0, 0.01]);
}

/** Draws the mark of a level around 0,0. */
export function drawMark(pen: Pen, level: Level, r: number, dark: boolean): void {
  const look = (dark ? DARK : LIGHT)[level];
  const small = r < 4;
  outline(pen, level, r);
  pen.fillStyle = look.fill;
  pen.fill();
  pen.strokeStyle = look.edge;
  pen.lineWidth = small ? 0.8 : Math.max(1, r * 0.16);
  pen.lineJoin = "round";
  pen.stroke();
  pen.strokeStyle = look.mark;
  if (!small) pattern(pen, level, r);
}

export interface Sprite {
  image: HTMLCanvasElement;
  /** Half of its side, in CSS pixels. */
  half: number;
}

const sets = new Map<string, Sprite[]>();

/** A picture of the mark of every level, in their order. */
export function sprites(r: number, ratio: number, dark: boolean): Sprite[] {
  const key = `${r} ${ratio} ${dark}`;
  const set = sets.get(key) ?? LEVELS.map((level) => sprite(level, r, ratio, dark));
  sets.set(key, set);
  return set;
}

function sprite(level: Level, radius: number, ratio: number, dark: boolean): Sprite {
  const r = level === "unknown" ? radius * 0.72 : level === "empty" || level === "break" ? radius * 0.88 : radius;
  const half = Math.ceil(r * 1.3) + 1;
  const image = document.createElement("canvas");
  image.width = image.height = Math.round(half * 2 * ratio);
  const pen = image.getContext("2d")!;
  pen.scale(ratio, ratio);
  pen.translate(half, half);
  drawMark(pen, level, r, dark);
  return { image, half };
}
