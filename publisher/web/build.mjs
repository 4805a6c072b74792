// Builds dist/ from src/ and static/: the same sources give the same bytes, on every machine. With --check it only tells whether dist/ is of them.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const PAGES = { "index.html": "app", "status.html": "status", "docs.html": "docs" };

/** All files below a folder, as sorted paths from the root with forward slashes. */
function filesBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1).replaceAll("\\", "/"));
}

/** The digest that tells whether dist/ was built from these sources: SHA-256 over "path NUL bytes" of each. */
function digestOfSources() {
  const sources = [...filesBelow("src"), ...filesBelow("static"), "package.json", "package-lock.json", "build.mjs"];
  const hash = createHash("sha256");
  const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  for (const path of sources.sort(byBytes)) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest("hex");
}

const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  target: ["chrome100", "safari15.4", "firefox100"],
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".png": "file" },
  legalComments: "eof",
  charset: "utf8",
  logLevel: "warning",
  metafile: true,
  tsconfigRaw: {},
};

/** Bundles the pages; returns the built script and style of each. */
async function bundlePages() {
  const { metafile } = await esbuild.build({
    ...shared,
    entryPoints: { app: "src/app.tsx", status: "src/status.tsx", docs: "src/docs.tsx" },
    outdir: "dist/assets",
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
  });
  const built = {};
  for (const [path, output] of Object.entries(metafile.outputs)) {
    if (!output.entryPoint) continue;
    const name = output.entryPoint.replace(/^src\/|\.tsx$/g, "");
    const url = (file) => `/${file.replace(/^dist\//, "")}`;
    built[name] = { script: url(path), style: output.cssBundle && url(output.cssBundle) };
  }
  return built;
}

/** Puts the hashed names into a page. */
function writePage(page, { script, style }) {
  const html = readFileSync(join(root, "static", page), "utf8");
  writeFileSync(join(dist, page), html.replace("%SCRIPT%", script).replace("%STYLE%", style));
}

/** Bundles the service worker, which knows the shell by name and by digest. */
async function bundleWorker(built, digest) {
  const assets = [built.app, built.status].flatMap(({ script, style }) => [script, style]);
  const shell = ["/", "/status", "/manifest.webmanifest", "/icon.svg", ...assets];
  await esbuild.build({
    ...shared,
    metafile: false,
    entryPoints: ["src/sw.ts"],
    outfile: "dist/sw.js",
    define: { SHELL: JSON.stringify(shell), BUILD: JSON.stringify(digest.slice(0, 12)) },
  });
}

function report() {
  for (const name of readdirSync(dist, { recursive: true }).sort()) {
    const path = join(dist, String(name));
    if (!statSync(path).isFile()) continue;
    const bytes = readFileSync(path);
    console.log(`${String(name).padEnd(34)} ${String(bytes.length).padStart(8)}  gzip ${gzipSync(bytes, { level: 9 }).length}`);
  }
}

const digest = digestOfSources();
if (process.argv.includes("--check")) {
  const built = existsSync(join(dist, "SOURCES")) && readFileSync(join(dist, "SOURCES"), "utf8").trim();
  if (built !== digest) console.log("dist/ is not of these sources; next step: npm ci && npm run build");
  process.exit(built === digest ? 0 : 1);
}
const esbuild = await import("esbuild");
rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "assets"), { recursive: true });
const built = await bundlePages();
for (const [page, name] of Object.entries(PAGES)) writePage(page, built[name]);
for (const path of filesBelow("static").filter((path) => !path.endsWith(".html"))) {
  copyFileSync(join(root, path), join(dist, path.slice("static/".length)));
}
await bundleWorker(built, digest);
writeFileSync(join(dist, "SOURCES"), `${digest}\n`);
report();
