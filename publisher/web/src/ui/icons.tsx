// Small pictures: the marks of levels as on the map, and those of buttons.
import { useEffect, useRef } from "preact/hooks";
import { drawMark } from "../sprites.ts";
import { LEVELS } from "../types.ts";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** The mark of a level, drawn by the same hand as on the map. */
export function Mark({ level, size = 22 }: { level: number; size?: number }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const draw = () => ref.current && paint(ref.current, level, size);
    draw();
    dark.addEventListener("change", draw);
    return () => dark.removeEventListener("change", draw);
  }, [level, size]);
  return <canvas ref={ref} class="mark" width={size * 2} height={size * 2} style={{ width: `${size}px`, height: `${size}px` }} aria-hidden="true" />;
}

function paint(canvas: HTMLCanvasElement, level: number, size: number): void {
  const pen = canvas.getContext("2d")!;
  pen.setTransform(2, 0, 0, 2, size, size);
  pen.clearRect(-size, -size, size * 2, size * 2);
  drawMark(pen, LEVELS[level]!, size * 0.4, dark.matches);
}

const PATHS = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4",
  close: "M6 6l12 12M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  near: "M12 3v3M12 18v3M3 12h3M18 12h3M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  up: "M6 15l6-6 6 6",
  down: "M6 9l6 6 6-6",
  bell: "M6 17h12l-1.5-2V11a4.5 4.5 0 0 0-9 0v4L6 17zM10.5 20h3",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2",
  pin: "M12 21s-6.5-6-6.5-11a6.5 6.5 0 0 1 13 0c0 5-6.5 11-6.5 11zM12 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  area: "M4 6l5-2 6 2 5-2v14l-5 2-6-2-5 2zM9 4v14M15 6v14",
  warn: "M12 4l9 16H3zM12 10v4M12 17v.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 22 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
