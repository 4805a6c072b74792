// Drives the pages in a real browser against a server: node test/browser.mjs BASE_URL SCREENSHOT_FOLDER [PART OF A TEST'S NAME]
import { mkdirSync, readFileSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [base = "http://127.0.0.1:8090", folder = "screenshots", only = ""] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const GANGNAM = { latitude: 37.4979, longitude: 127.0276 };
const SCRIPT_BUDGET = 300 * 1024;
const AIM = 100 * 1024;
const FIRST_OUTLETS_MS = 2_000;

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
let [passed, failed] = [0, 0];

function assert(truth, message) {
  if (!truth) throw new Error(message);
}

/** A way to the server that can be cut, or on which data are asked for in vain: a browser's own "offline" does not reach its service workers. */
async function wire() {
  let silent = false;
  const forward = (request, response) => {
    if (silent && request.url.startsWith("/v1/")) return;
    const onward = ask(base + request.url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  };
  const server = createServer(forward);
  const listen = (port) => new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address();
  const cut = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { address: `http://127.0.0.1:${port}`, cut, mend: () => listen(port), hush: (on) => (silent = on) };
}

/** A page of its own with nothing remembered; noise on its console is a failure unless the test cuts the network. */
async function visit(run, { viewport = PHONE, locale = "ko-KR", path = "/", quiet = true, ...options } = {}) {
  const context = await browser.newContext({ viewport, locale, deviceScaleFactor: 2, hasTouch: viewport === PHONE, ...options });
  const page = await context.newPage();
  const noise = [];
  page.on("console", (message) => message.type() === "error" && noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(String(error)));
  try {
    await page.goto(base + path);
    await run(page, context);
    if (quiet) assert(noise.length === 0, `console: ${noise.join(" | ")}`);
  } finally {
    await context.close();
  }
}

async function test(name, run, options) {
  if (!name.includes(only)) return;
  const begun = performance.now();
  try {
    await visit(run, options);
    passed += 1;
    console.log(`ok   ${name} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.message.slice(0, 600)}`);
  }
}

/** Waits until `look` is true in the page; the page's own policy forbids the ready-made way, which evaluates text. */
async function until(page, look, argument = null, timeout = 15_000) {
  const end = Date.now() + timeout;
  while (!(await page.evaluate(look, argument).catch(() => false))) {
    assert(Date.now() < end, `waited ${timeout} ms for ${look}`);
    await page.waitForTimeout(25);
  }
}

const shot = (page, name) => page.screenshot({ path: join(folder, `${name}.png`) });
const drawn = (page) => until(page, () => Number(document.querySelector("#map")?.dataset.drawn) > 0);
const settled = (page) => until(page, () => document.querySelectorAll(".rows .row").length > 0);
const outletsListed = (page) => page.waitForSelector(".row[data-id]");

async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = grave.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" ; ")}`);
  assert(grave.length === 0, `axe: ${told.join(" | ")}`);
}

async function find(page, text) {
  await page.getByRole("combobox").fill(text);
  await page.locator("#found li").first().waitFor();
}

async function goTo(page, text) {
  await find(page, text);
  await page.getByRole("combobox").press("Enter");
  await outletsListed(page);
}

/** Tiles of one colour at the address that the server's page names, if that is this machine; tells how often they were asked for. */
async function background() {
  const page = await (await fetch(base)).text();
  const template = /name="jaego-tiles" content="([^"]*)"/.exec(page)?.[1];
  if (!template || !/^http:\/\/(127\.0\.0\.1|localhost):/.test(template)) return null;
  const asked = [];
  const green = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGM4cecEAATcAm0jZsDKAAAAAElFTkSuQmCC", "base64");
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(200, { "content-type": "image/png" }).end(green);
  });
  const { hostname, port, origin } = new URL(template.replace(/[{}]/g, ""));
  await new Promise((resolve) => server.listen(Number(port), hostname, resolve));
  return { asked, origin, close: () => server.close() };
}

const tiles = await background();
if (tiles === null) console.log("skip background: the server has no map-tiles on this machine");

for (const [name, viewport] of [["phone", PHONE], ["desk", DESK]]) {
  await test(`first outlets and the country, ${name}`, async (page) => {
    await drawn(page);
    const ms = await page.evaluate(() => performance.now());
    assert(ms < FIRST_OUTLETS_MS, `first outlets after ${Math.round(ms)} ms`);
    console.log(`     first outlets after ${Math.round(ms)} ms`);
    await settled(page);
    await until(page, () => Number(document.querySelector("#map").dataset.drawn) > 5_000, null, 10_000);
    await shot(page, `${name}-country`);
    await accessible(page);
  }, { viewport });

  await test(`search by district, detail, ${name}`, async (page) => {
    await drawn(page);
    await find(page, "강남");
    await shot(page, `${name}-search`);
    await page.getByRole("combobox").press("Enter");
    await outletsListed(page);
    await shot(page, `${name}-district`);
    await page.locator(".row[data-id]").first().click();
    await page.waitForSelector(".detail .figure");
    assert((await page.locator(".figure .age").count()) <= 1, "age");
    await page.waitForTimeout(1200);
    await shot(page, `${name}-detail`);
    await accessible(page);
  }, { viewport });

  await test(`near me, ${name}`, async (page) => {
    await drawn(page);
    await page.locator(".near").click();
    await outletsListed(page);
    await page.waitForTimeout(1000);
    const first = await page.locator(".row[data-id] .row-side").first().innerText();
    assert(/\d+m/.test(first), `distance: ${first}`);
    await shot(page, `${name}-near`);
  }, { viewport, geolocation: GANGNAM, permissions: ["geolocation"] });

  await test(`status, ${name}`, async (page) => {
    await page.waitForSelector(".flow .hop");
    const { outlets } = await (await page.request.get(`${base}/v1/status.json`)).json();
    if (outlets.silent > 0) await page.waitForSelector(".where tbody tr");
    await page.waitForTimeout(800);
    await page.screenshot({ path: join(folder, `${name}-status.png`), fullPage: true });
    await accessible(page);
  }, { viewport, path: "/status" });
}

/** Lets the page read another status than the server's. */
async function telling(page, writing) {
  await page.route("**/v1/status.json", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), writing } });
  });
}

const minutesAgo = (n) => new Date(Date.now() - n * 60_000).toISOString();
const TROUBLE = {
  degraded: ["nats_gone", "disk_full", "journal_slow"].map((mode, n) => ({ mode, since: minutesAgo(7 + 60 * n) })),
  dead: true, dead_since: minutesAgo(7), held: true, held_since: minutesAgo(6), shed: [{ class: "check", since: minutesAgo(0) }],
};
for (const [locale, words] of [["ko-KR", ["7분째", "메시지 서버(NATS)", "디스크가 가득", "기록이 느립", "구매 확인: 일부", "참여를 미루고", "적지 못하고"]], ["en-US", ["for 7 min", "(NATS) is gone", "disk is full", "journal is slow", "Purchase checks: some", "kept waiting", "not being written"]]]) {
  await test(`degraded modes in words, ${locale}`, async (page) => {
    await telling(page, TROUBLE);
    await page.reload();
    await page.waitForSelector(".trouble");
    const text = await page.locator("main").innerText();
    for (const word of words) assert(text.includes(word), `${word} is not said`);
    assert((await page.locator(".trouble").count()) === 6, "six troubles");
    assert((await page.locator(".trouble .since").count()) === 6, "each since when");
    assert(await page.locator(".verdict.bad").count(), "the verdict");
    await page.screenshot({ path: join(folder, `phone-trouble-${locale}.png`), fullPage: true });
    await accessible(page);
  }, { path: "/status", locale, serviceWorkers: "block" });
}

await test("nothing wrong is said as well", async (page) => {
  await telling(page, { degraded: [], dead: false, held: false, shed: [] });
  await page.reload();
  await page.waitForSelector("#trouble-title");
  assert((await page.locator(".trouble").count()) === 0, "trouble");
}, { path: "/status", serviceWorkers: "block" });

for (const [locale, told, hop] of [["ko-KR", "소식도 듣지 못했습니다", "알 수 없음"], ["en-US", "Nothing has been heard from the core since", "not known"]]) {
  for (const [name, change] of [["stale", { source: "stale" }], ["without a writing side", { writing: null }]]) {
    await test(`status ${name} does not say that reports are taken, ${locale}`, async (page) => {
      await page.route("**/v1/status.json", async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: { ...(await answer.json()), ...change } });
      });
      await page.reload();
      await page.waitForSelector(".unheard");
      const text = await page.locator("main").innerText();
      assert(text.includes(told), `${told} is not said`);
      for (const wrong of ["보고를 받아 적고 있습니다.", "reports are taken and written.", "모든 구간이 제때", "Every hop is on time"]) assert(!text.includes(wrong), `it says: ${wrong}`);
      assert((await page.locator(".hop.unknown .hop-state", { hasText: hop }).count()) === 4, "hops of the writing side");
      assert(await page.locator(".verdict.bad").count(), "the verdict");
      await accessible(page);
    }, { path: "/status", locale, serviceWorkers: "block" });
  }
}

await test("two windows of a browser do not starve each other", async (page, context) => {
  const other = await context.newPage();
  const streams = new Map([[page, new Set()], [other, new Set()]]);
  for (const [of, open] of streams) {
    of.on("request", (request) => request.url().includes("/v1/stream") && open.add(request));
    for (const end of ["requestfinished", "requestfailed"]) of.on(end, (request) => open.delete(request));
  }
  await drawn(page);
  await goTo(page, "강남");
  await until(page, () => document.querySelector(".pulse.live") !== null);
  await other.goto(page.url().replace(/#.*/, ""));
  await drawn(other);
  await goTo(other, "종로");
  await other.waitForTimeout(1500);
  assert(streams.get(page).size > 0, "the first window streams no more");
  assert(streams.get(other).size === 0, `the second window streams as well: ${streams.get(other).size}`);
  await page.close();
  await until(other, () => document.querySelector(".pulse.live") !== null);
}, { viewport: DESK, serviceWorkers: "block" });

await test("search by a word of the address, and an outlet without a place", async (page) => {
  const { outlets } = await (await page.request.get(`${base}/v1/outlets.json`)).json();
  const words = outlets.flatMap(({ addr }) => addr.match(/[가-힣]{2,}(?:동|로|길)(?=[\s)])/g) ?? []);
  const word = words.find((word) => !outlets.some(({ name }) => name.includes(word)));
  await page.route("**/v1/outlets.json", async (route) => {
    const answer = await route.fetch();
    const known = await answer.json();
    await route.fulfill({ response: answer, json: { ...known, outlets: [...known.outlets, { ...known.outlets[0], id: "placeless", name: "자리없는약국", lat: null, lng: null }] } });
  });
  await page.route("**/v1/outlets/placeless", async (route) => {
    const { outlet, ...head } = await (await page.request.get(`${base}/v1/outlets/${outlets[0].id}`)).json();
    await route.fulfill({ json: { ...head, outlet: { ...outlet, id: "placeless", name: "자리없는약국", lat: null, lng: null } } });
  });
  await drawn(page);
  const box = page.getByRole("combobox");
  await box.fill("뷁");
  await page.locator(".found-note.alone", { hasText: "두 글자" }).waitFor();
  await box.fill(word);
  const found = page.locator("#found li[id^=found-o]");
  await found.first().waitFor();
  assert((await found.first().innerText()).includes(word), `${word} is not found`);
  const before = page.url();
  await box.fill("자리없는");
  await found.first().click();
  await page.waitForSelector(".detail .no-place");
  assert(page.url() === `${before}/placeless`, `the map moved: ${before} ${page.url()}`);
  await box.focus();
  await box.press("Escape");
  assert(await page.locator(".detail").count(), "Escape in the search closed the outlet");
}, { viewport: DESK, serviceWorkers: "block" });

await test("search by an outlet's name", async (page) => {
  await drawn(page);
  const { outlets } = await (await page.request.get(`${base}/v1/outlets.json`)).json();
  const { name } = outlets.find((outlet) => outlet.lat !== null);
  await page.getByRole("combobox").fill(name);
  await page.locator("#found li[id^=found-o]").first().click();
  await page.waitForSelector(".detail .figure");
  assert((await page.locator(".detail h2").innerText()) === name, "another outlet");
});

await test("refused position is explained", async (page) => {
  await drawn(page);
  await page.locator(".near").click();
  await page.waitForSelector(".fault");
  await shot(page, "phone-refused");
});

await test("filter shows one level alone", async (page) => {
  await drawn(page);
  await goTo(page, "강남");
  await page.locator(".chip[data-level=plenty]").click();
  await until(page, () => {
    const words = [...document.querySelectorAll(".row[data-id] .word")];
    return words.every((word) => word.classList.contains("plenty"));
  });
  await page.waitForTimeout(300);
  await shot(page, "phone-filter");
});

await test("changes arrive as they happen", async (page) => {
  await drawn(page);
  await goTo(page, "강남");
  await until(page, () => document.querySelector(".pulse.live") !== null, null, 15_000);
  const text = () => page.locator(".rows").innerText();
  const before = await text();
  await until(page, (before) => document.querySelector(".rows").innerText !== before, before, 15_000);
}, { viewport: DESK });

await test("polling where events do not come", async (page) => {
  await page.addInitScript(() => delete window.EventSource);
  await page.reload();
  await drawn(page);
  await goTo(page, "강남");
  let asked = 0;
  page.on("request", (request) => (asked += /\/v1\/tiles\//.test(request.url()) ? 1 : 0));
  await until(page, () => document.querySelector(".pulse:not(.live)") !== null);
  await page.waitForTimeout(5000);
  assert(asked >= 1, "no tile was asked for again");
});

const line = await wire();
await test("without a server it shows the last data and their age", async (page) => {
  await page.goto(line.address);
  await drawn(page);
  await until(page, () => navigator.serviceWorker.controller !== null);
  await goTo(page, "강남");
  await page.waitForTimeout(3000);
  await line.cut();
  await page.reload();
  await drawn(page);
  await page.waitForSelector(".banner");
  await settled(page);
  await page.waitForTimeout(500);
  await shot(page, "phone-offline");
  await page.locator(".row[data-id]").nth(2).click();
  await page.waitForSelector(".detail .figure");
  await page.locator(".detail .note", { hasText: "앞서 받은" }).waitFor();
  await line.mend();
  await page.waitForSelector(".banner", { state: "detached", timeout: 70_000 });
}, { quiet: false });
await test("a connection that accepts and never answers", async (page) => {
  await page.addInitScript(() => delete window.EventSource);
  await page.goto(line.address);
  await drawn(page);
  await until(page, () => navigator.serviceWorker.controller !== null);
  await goTo(page, "강남");
  await page.waitForTimeout(3000);
  line.hush(true);
  await page.reload();
  await drawn(page);
  await page.locator(".banner", { hasText: "끊겼습니다" }).waitFor();
  await outletsListed(page);
  line.hush(false);
  await page.waitForSelector(".banner", { state: "detached", timeout: 60_000 });
}, { quiet: false });
await line.cut();

await test("English, and the choice is remembered", async (page) => {
  await drawn(page);
  assert((await page.locator("html").getAttribute("lang")) === "en", "not English at first");
  await goTo(page, "gangnam");
  await page.waitForTimeout(1000);
  await shot(page, "phone-english");
  await page.locator(".tongue").click();
  await page.reload();
  await drawn(page);
  assert((await page.locator("html").getAttribute("lang")) === "ko", "not remembered");
}, { locale: "en-US" });

await test("today's rule by the last digit", async (page) => {
  await page.locator(".today-head").click();
  const digits = page.locator(".digits button");
  if ((await digits.count()) > 0) {
    await digits.first().click();
    assert((await page.locator(".answer").innerText()).length > 5, "no answer");
  }
  await page.waitForTimeout(300);
  await shot(page, "desk-today");
}, { viewport: DESK });

for (const [locale, said, digits] of [["ko-KR", "2020-03-10의 안내만", "오늘 누가 살 수 있는지는"], ["en-US", "Only the rule of 2020-03-10", "has not been received"]]) {
  await test(`the rule of another day is not told as today's, ${locale}`, async (page) => {
    await page.route("**/v1/policies.json", async (route) => {
      const answer = await route.fetch();
      const known = await answer.json();
      const today = { ...known.today, date: "2020-03-10", weekday: "tue", everyone: false, birth_digits: [2, 7] };
      await route.fulfill({ response: answer, json: { ...known, today } });
    });
    await page.reload();
    await page.locator(".today-head").click();
    const text = await page.locator(".today").innerText();
    for (const word of [said, digits]) assert(text.includes(word), `${word} is not said: ${text}`);
    assert((await page.locator(".digits").count()) === 0, "digits of another day");
    await shot(page, `desk-another-day-${locale}`);
  }, { viewport: DESK, locale, serviceWorkers: "block" });
}

await test("an outlet that is turned away is not one that is missing", async (page) => {
  await drawn(page);
  let status = 429;
  await page.route("**/v1/outlets/*", (route) => route.fulfill({ status, json: { title: "no" } }));
  await goTo(page, "강남");
  await outletsListed(page);
  await page.locator(".row[data-id]").first().click();
  await page.locator(".detail .note", { hasText: "읽지 못했습니다" }).waitFor();
  assert(await page.locator(".detail .figure").count(), "the row of the list is not shown meanwhile");
  status = 404;
  await page.locator(".detail .note", { hasText: "찾지 못했습니다" }).waitFor({ timeout: 30_000 });
}, { viewport: DESK, quiet: false, serviceWorkers: "block" });

for (const status of [429, 503]) {
  await test(`a server that answers ${status} is busy, not gone, and is left alone as long as it asks`, async (page) => {
    await drawn(page);
    const asked = [];
    await page.route("**/v1/**", (route) => {
      asked.push(route.request().url());
      return route.fulfill({ status, headers: { "retry-after": "30" }, json: { title: "no" } });
    });
    await page.locator(".banner", { hasText: "바쁘거나" }).waitFor({ timeout: 40_000 });
    await page.waitForTimeout(2000);
    const before = asked.filter((url) => url.includes("/tiles/")).length;
    await page.waitForTimeout(6000);
    assert(asked.filter((url) => url.includes("/tiles/")).length === before, "tiles are asked for again before the time");
  }, { viewport: DESK, quiet: false, serviceWorkers: "block" });
}

await test("an address of nonsense opens the map, and a pasted one moves it", async (page) => {
  await page.goto("about:blank");
  await page.goto(`${base}/#14/37.56/126.97/%`);
  await drawn(page);
  await outletsListed(page);
  await page.evaluate(() => (location.hash = "#14/35.1796/129.0756"));
  await until(page, () => location.hash.startsWith("#14/35.1"));
  await until(page, () => document.querySelectorAll(".row[data-id]").length > 0);
}, { viewport: DESK });

await test("a closed outlet gives the list back as it was", async (page) => {
  await drawn(page);
  await goTo(page, "강남");
  await page.waitForTimeout(1500);
  const row = page.locator(".row[data-id]").nth(12);
  await row.focus();
  const id = await row.getAttribute("data-id");
  await page.evaluate(() => (document.querySelector(".scroll").scrollTop = 700));
  await page.keyboard.press("Enter");
  await page.waitForSelector(".detail .figure");
  await page.keyboard.press("Escape");
  await outletsListed(page);
  const [top, focus] = await page.evaluate(() => [document.querySelector(".scroll").scrollTop, document.activeElement.dataset.id]);
  assert(top === 700, `scrolled to ${top}`);
  assert(focus === id, `focus on ${focus}`);
}, { viewport: DESK });

await test("a level that the map shows is in the list", async (page) => {
  await drawn(page);
  await goTo(page, "강남");
  await page.locator(".zoom button").last().click();
  await page.waitForTimeout(800);
  for (const level of ["break", "unknown", "few"]) {
    await page.locator(".chip[data-level=" + level + "]").click();
    await until(page, () => Number(document.querySelector("#map").dataset.drawn) > 0);
    await outletsListed(page);
    await page.locator(".chip").first().click();
  }
}, { viewport: DESK });

await test("keyboard alone reaches an outlet", async (page) => {
  await drawn(page);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert(await page.evaluate(() => document.activeElement.id === "list"), "the skip link leads nowhere");
  await page.getByRole("combobox").focus();
  await page.keyboard.type("종로");
  await page.locator("#found li").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await outletsListed(page);
  await page.locator(".row[data-id]").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector(".detail .figure");
  await page.keyboard.press("Escape");
  await outletsListed(page);
}, { viewport: DESK });

await test("the open data, with a real answer", async (page) => {
  await page.goto(`${base}/docs`);
  const operations = page.locator("section");
  await operations.first().waitFor();
  assert((await operations.count()) > 30, "operations");
  assert((await page.locator("#new_key code").first().innerText()) === "POST /v1/keys", "keys are made by POST");
  for (const id of ["nearby", "tile", "outlet", "stream", "changes"]) {
    const one = page.locator(`#${id}`);
    await one.getByRole("button").click();
    await until(page, (of) => /version|next/.test(document.querySelector(`#${of} pre`)?.textContent ?? ""), id);
  }
  await shot(page, "desk-docs");
  await accessible(page);
}, { viewport: DESK });

await test("dark", async (page) => {
  await drawn(page);
  await goTo(page, "강남");
  await page.waitForTimeout(1200);
  await shot(page, "phone-dark");
  await accessible(page);
}, { colorScheme: "dark" });

for (const [name, viewport] of tiles ? [["phone", PHONE], ["desk", DESK]] : []) {
  await test(`background with its attribution, ${name}`, async (page) => {
    await drawn(page);
    await goTo(page, "강남");
    await until(page, () => [...document.querySelectorAll("img.leaflet-tile")].some((tile) => tile.complete && tile.naturalWidth > 0));
    assert(tiles.asked.some((url) => /\/\d+\/\d+\/\d+/.test(url)), `asked: ${tiles.asked.slice(0, 3)}`);
    const seen = () => page.locator(".credit").evaluate((credit) => {
      const { left, top, width, height } = credit.getBoundingClientRect();
      const there = document.elementFromPoint(left + width / 2, top + height / 2);
      return credit.innerText.trim().length > 0 && (there === credit || credit.contains(there));
    });
    assert(await seen(), "the attribution is covered");
    await page.locator(".row[data-id]").first().click();
    await page.waitForSelector(".detail .figure");
    await page.waitForTimeout(400);
    assert(await seen(), "the attribution is covered by an outlet's sheet");
    const kept = await page.evaluate((origin) => new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
      const elsewhere = new Image();
      elsewhere.onload = () => resolve("loaded");
      elsewhere.src = `${origin.replace(/\d+$/, "9")}/0/0/0.png`;
    }), tiles.origin);
    assert(kept === "img-src", `another origin: ${kept}`);
    await page.waitForTimeout(800);
    await shot(page, `${name}-background`);
    await accessible(page);
  }, { viewport, quiet: false });
}

await test("installable, within the budget, nothing from elsewhere", async (page) => {
  const foreign = [];
  page.on("request", (request) => ![base, "data:", tiles?.origin].some((from) => from && request.url().startsWith(from)) && foreign.push(request.url()));
  await page.reload();
  await drawn(page);
  const manifest = await (await page.request.get(`${base}/manifest.webmanifest`)).json();
  assert(manifest.icons.length > 0 && manifest.start_url === "/", "manifest");
  await page.waitForTimeout(300);
  const scripts = await page.evaluate(() => performance.getEntriesByType("resource").filter(({ initiatorType }) => initiatorType === "script").map(({ encodedBodySize }) => encodedBodySize));
  const script = scripts.reduce((sum, size) => sum + size, 0);
  assert(script > 0 && script < SCRIPT_BUDGET, `script: ${script} bytes`);
  if (script > AIM) console.log(`     script of ${script} bytes is above the aim of ${AIM}`);
  else console.log(`     script: ${script} bytes over the wire`);
  assert(foreign.length === 0, `foreign: ${foreign}`);
}, { serviceWorkers: "block" });

tiles?.close();
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
