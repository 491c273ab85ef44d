// Builds the console into dist/, packed as the server embeds and sends it, and checks what may not happen by accident.
//
//   node scripts/build.mjs [--check]       --check builds elsewhere and fails where dist/ is not what the sources make
//
// The same sources give the same bytes, on any machine and in any directory.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

// Upper bounds in bytes, packed: for what one page loads before it shows, and for everything that is embedded.
const limits = { javascript: 400_000, css: 115_000, all: 1_200_000 };

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const check = process.argv.includes('--check');

await forbid(join(root, 'src'), /dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function\(/);
const plain = await mkdtemp(join(tmpdir(), 'cairn-console-'));
try {
  process.chdir(root);
  process.env.CAIRN_BUILD_DIR = plain;
  await build({ root, logLevel: 'error' });
  const manifest = JSON.parse(await readFile(join(plain, '.vite', 'manifest.json'), 'utf8'));
  const files = await pack(plain);
  measure(files, manifest);
  if (check) await compare(files);
  else await write(files);
} finally {
  await rm(plain, { recursive: true, force: true });
}

/** Fails where a source has what would make text into markup or code. */
async function forbid(dir, pattern) {
  for (const file of await list(dir)) {
    if (!/\.tsx?$/.test(file)) continue;
    const found = pattern.exec(await readFile(join(dir, file), 'utf8'));
    if (found) throw new Error(`src/${file}: ${found[0]} is not allowed: what records hold must stay text`);
  }
}

/** Reads what was built: text packed by gzip under its name with .gz, fonts as they are. */
async function pack(dir) {
  const files = new Map();
  for (const file of await list(dir)) {
    const bytes = await readFile(join(dir, file));
    if (file.endsWith('.woff2')) {
      files.set(file, bytes);
      continue;
    }
    const packed = gzipSync(bytes, { level: 9 });
    packed.fill(0, 4, 8); // no time
    packed[9] = 255; // nor the system it was packed on
    files.set(file + '.gz', packed);
  }
  return files;
}

/** Prints the sizes, and fails where a page loads too much before it shows, or everything together is too much to embed. */
function measure(files, manifest) {
  const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);
  for (const [name, bytes] of files) console.log(`${kB(bytes.length)}  ${name}`);

  const shell = Object.values(manifest).find((chunk) => chunk.isEntry);
  // What a page itself loads later is not a page.
  const pages = (shell.dynamicImports ?? []).map((name) => manifest[name]);
  if (pages.length === 0) throw new Error('no page was found in the manifest');
  for (const page of [undefined, ...pages]) {
    const needed = new Set();
    for (const chunk of [shell, page]) if (chunk) collect(chunk, manifest, needed);
    const sum = (ending) => [...needed].filter((name) => name.endsWith(ending)).reduce((total, name) => total + files.get(name + '.gz').length, 0);
    const [javascript, css] = [sum('.js'), sum('.css')];
    console.log(`${page?.src ?? 'signing in'}: ${kB(javascript)} of JavaScript, ${kB(css)} of CSS`);
    within('JavaScript', javascript, limits.javascript);
    within('CSS', css, limits.css);
  }
  const all = [...files.values()].reduce((total, bytes) => total + bytes.length, 0);
  console.log(`everything: ${kB(all)}`);
  within('everything', all, limits.all);

  function within(what, bytes, limit) {
    if (bytes > limit) throw new Error(`${what}: ${kB(bytes)} is more than ${kB(limit)}`);
  }
}

/** Adds the files that the browser loads before a chunk runs. */
function collect(chunk, manifest, needed) {
  if (needed.has(chunk.file)) return;
  needed.add(chunk.file);
  for (const file of chunk.css ?? []) needed.add(file);
  for (const name of chunk.imports ?? []) collect(manifest[name], manifest, needed);
}

async function write(files) {
  await rm(dist, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    await mkdir(dirname(join(dist, name)), { recursive: true });
    await writeFile(join(dist, name), bytes);
  }
}

/**
 * Fails where dist/ differs from what was built just now. Compared is what the files unpack to, because another version of zlib packs
 * other bytes.
 */
async function compare(files) {
  const different = [];
  const there = new Set(await list(dist).catch(() => []));
  for (const [name, bytes] of files) {
    const committed = there.delete(name) ? await readFile(join(dist, name)) : undefined;
    if (!committed || !unpacked(name, committed).equals(unpacked(name, bytes))) different.push(name);
  }
  different.push(...there);
  if (different.length) throw new Error(`console/web/dist is not what the sources make (run npm run build): ${different.join(', ')}`);
  console.log('dist is what the sources make');
}

function unpacked(name, bytes) {
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** The files below a directory, by path with slashes, sorted; none whose path has a part that begins with a dot. */
async function list(dir) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !/(^|\/)\./.test(file))
    .sort();
}
