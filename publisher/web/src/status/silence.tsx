// Where outlets fell silent: a map of dots, and the provinces with their numbers.
import { useEffect, useRef } from "preact/hooks";
import { read } from "../api.ts";
import { areas, fullName, levelsOf, type Area } from "../regions.ts";
import { useSignal } from "../signal.ts";
import { changes, mercatorX, mercatorY, spots, takeTile } from "../spots.ts";
import { language, useWords } from "../strings.ts";
import { covering } from "../tiles.ts";
import type { Status, Tile } from "../types.ts";

const KOREA = { west: 125.6, south: 33.0, east: 130.0, north: 38.7 };
const [WIDTH, HEIGHT] = [300, 480];
const REFRESH_MS = 60_000;

/** Reads the whole country, now and each minute. */
function useCountry(): void {
  useEffect(() => {
    const load = () => covering(KOREA, 6).forEach((key) => {
      void read<Tile>(`/v1/tiles/${key}.json`).then((got) => got && takeTile(key, got.data)).catch(() => undefined);
    });
    load();
    const timer = setInterval(() => document.hidden || load(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
}

export function Silence({ status }: { status: Status }) {
  const w = useWords();
  useCountry();
  const known = useSignal(areas).filter((area) => area.province && area.outlets > 0);
  return (
    <section aria-labelledby="where-title">
      <h2 id="where-title">{w.s.where}</h2>
      <p class="lead">{status.outlets.silent > 0 ? w.s.whereLead : w.s.whereNone}</p>
      {status.outlets.silent > 0 && (
        <div class="where">
          <Dots label={w.s.whereMap(status.outlets.silent)} />
          <Table areas={known} />
        </div>
      )}
    </section>
  );
}

/** Silent outlets over the faint rest of the country. */
function Dots({ label }: { label: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const version = useSignal(changes);
  useEffect(() => {
    if (ref.current) paint(ref.current);
  }, [version]);
  return <canvas ref={ref} width={WIDTH * 2} height={HEIGHT * 2} role="img" aria-label={label} />;
}

function paint(canvas: HTMLCanvasElement): void {
  const pen = canvas.getContext("2d")!;
  const style = getComputedStyle(canvas);
  const [west, east, north, south] = [mercatorX(KOREA.west), mercatorX(KOREA.east), mercatorY(KOREA.north), mercatorY(KOREA.south)];
  const scale = Math.min((WIDTH * 2) / (east - west), (HEIGHT * 2) / (south - north));
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (const silent of [false, true]) {
    pen.fillStyle = style.getPropertyValue(silent ? "--few" : "--unknown");
    const r = silent ? 3.2 : 1.4;
    for (const spot of spots()) if (spot.silent === silent) pen.fillRect((spot.x - west) * scale - r, (spot.y - north) * scale - r, r * 2, r * 2);
  }
}

function Table({ areas }: { areas: Area[] }) {
  const w = useWords();
  const counted = areas.some((area) => area.silent !== undefined);
  const figure = (area: Area) => (counted ? area.silent ?? 0 : levelsOf(area)[5]!);
  const sorted = [...areas].sort((a, b) => figure(b) / b.outlets - figure(a) / a.outlets);
  return (
    <table>
      <thead><tr><th scope="col">{w.s.region}</th><th scope="col">{counted ? w.s.silentCol : w.s.unknownCol}</th><th scope="col">{w.s.shareCol}</th></tr></thead>
      <tbody>
        {sorted.map((area) => (
          <tr key={area.code}>
            <th scope="row">{fullName(area, language.value)}</th>
            <td>{w.s.n(figure(area))}</td>
            <td>{((figure(area) / area.outlets) * 100).toFixed(1)}%</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
