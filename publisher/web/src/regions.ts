// Provinces and districts: their names in both languages, where they lie, what they hold, and finding them by name.
import { read, Repeating } from "./api.ts";
import { district, spell } from "./romanize.ts";
import { Signal } from "./signal.ts";
import { ITEM } from "./spots.ts";
import type { Language } from "./strings.ts";
import type { Box } from "./tiles.ts";
import { LEVELS, type Head, type Level, type Region } from "./types.ts";

const PROVINCES: Record<string, [short: string, english: string]> = {
  "11": ["서울", "Seoul"], "26": ["부산", "Busan"], "27": ["대구", "Daegu"], "28": ["인천", "Incheon"], "29": ["광주", "Gwangju"],
  "30": ["대전", "Daejeon"], "31": ["울산", "Ulsan"], "36": ["세종", "Sejong"], "41": ["경기", "Gyeonggi"], "42": ["강원", "Gangwon"],
  "43": ["충북", "Chungbuk"], "44": ["충남", "Chungnam"], "45": ["전북", "Jeonbuk"], "46": ["전남", "Jeonnam"], "47": ["경북", "Gyeongbuk"],
  "48": ["경남", "Gyeongnam"], "50": ["제주", "Jeju"], "51": ["강원", "Gangwon"], "52": ["전북", "Jeonbuk"],
};

export interface Area extends Region {
  /** The district's own name, or the province's short one. */
  ko: string;
  en: string;
  province: boolean;
  /** A city whose parts are districts of their own. */
  parent: boolean;
  /** What a search looks into, without blanks and hyphens, in small letters. */
  keys: string[];
}

export const areas = new Signal<Area[]>([]);

const INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
const initials = (text: string): string =>
  [...text].map((letter) => INITIALS[Math.floor((letter.charCodeAt(0) - 0xac00) / 588)] ?? letter).join("");

export const fold = (text: string): string => text.normalize("NFC").toLowerCase().replace(/[\s\-·]/g, "");

function area(region: Region, cities: Set<string>): Area {
  const province = region.code.length === 2;
  const [short, english] = PROVINCES[region.code.slice(0, 2)] ?? [region.name_ko, spell(region.name_ko)];
  const own = province ? short : region.name_ko.split(" ").slice(1).join(" ") || region.name_ko;
  const latin = own.split(" ").map(district).join(" ");
  const en = region.name_en ?? (province ? english : latin);
  const keys = [own, region.name_ko, `${short}${own}`, en, `${english}${en}`, initials(own)].map(fold);
  return { ...region, ko: own, en, province, parent: !province && cities.has(region.code), keys };
}

/** Codes of cities (…0) that are divided into districts of the same first four digits. */
function divided(regions: Region[]): Set<string> {
  const parts = new Set(regions.filter(({ code }) => code.length === 5 && !code.endsWith("0")).map(({ code }) => `${code.slice(0, 4)}0`));
  return new Set(regions.filter(({ code, name_ko }) => parts.has(code) && name_ko.endsWith("시")).map(({ code }) => code));
}

let etag: string | null = null;

async function load(): Promise<void> {
  const got = await read<Head & { regions: Region[] }>("/v1/regions.json", etag);
  if (!got) return;
  etag = got.kept ? null : got.etag;
  const cities = divided(got.data.regions);
  areas.value = got.data.regions.map((region) => area(region, cities));
}

export const regions = new Repeating(load, () => 30);

export const nameOf = (area: Area, language: Language): string => (language === "ko" ? area.ko : area.en);

/** With its province in front, where that says more. */
export function fullName(area: Area, language: Language): string {
  const [short, english] = PROVINCES[area.code.slice(0, 2)] ?? ["", ""];
  if (area.province) return language === "ko" ? area.name_ko : area.en;
  if (language === "ko") return short === area.ko ? area.ko : `${short} ${area.ko}`;
  return `${area.en}, ${english}`;
}

/** Areas whose name holds the text, those that begin with it first. */
export function findAreas(text: string, most: number): Area[] {
  const wanted = fold(text);
  if (!wanted) return [];
  const rank = (area: Area) => Math.min(...area.keys.map((key) => key.indexOf(wanted)).map((at) => (at < 0 ? 99 : at)));
  return areas.value
    .filter((area) => area.bbox)
    .map((area) => ({ area, rank: rank(area) }))
    .filter(({ rank }) => rank < 99)
    .sort((a, b) => a.rank - b.rank || b.area.outlets - a.area.outlets)
    .slice(0, most)
    .map(({ area }) => area);
}

const touches = ([west, south, east, north]: [number, number, number, number], box: Box): boolean =>
  west <= box.east && east >= box.west && south <= box.north && north >= box.south;

export const inView = (box: Box): Area[] => areas.value.filter((area) => area.bbox && touches(area.bbox, box));

export const middle = ([west, south, east, north]: [number, number, number, number]) => ({ lat: (south + north) / 2, lng: (west + east) / 2 });

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** Where an area's name belongs: of a province amid its districts, since one outlet with a wrong place stretches the box around all. */
export function seat(of: Area): { lat: number; lng: number } {
  const within = areas.value.filter((other) => other.bbox && !other.province && other.code.startsWith(of.code));
  const middles = (of.province && within.length > 0 ? within : [of]).map((area) => middle(area.bbox!));
  return { lat: median(middles.map(({ lat }) => lat)), lng: median(middles.map(({ lng }) => lng)) };
}

/** Outlets by level, in the order of the levels. */
export const levelsOf = (area: Area): number[] => LEVELS.map((level: Level) => area.levels[ITEM]?.[level] ?? 0);

/** How many have two pieces or more. */
export const inStock = (area: Area): number => levelsOf(area).slice(0, 3).reduce((sum, n) => sum + n, 0);
