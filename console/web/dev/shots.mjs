// Takes pictures of pages of a build, served by the mock, at three widths in light and dark, and checks on the way: no error or
// violation of the policy, no horizontal scroll, no finding of axe.
//
//   npm run shots -- [--out dir] [--pages dir] [--width 390,768] [--scheme dark] [--wait ms] [--click css] [path …]
//
// Without --pages the sources are built first, with the gallery. The path "signin" is the sign-in page; default: signin and /gallery.

import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './browser.mjs';
import { startMock } from './mock.mjs';
import { rmSync } from 'node:fs';
import { build } from 'vite';

const args = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = args.indexOf(name);
  return at < 0 ? otherwise : args.splice(at, 2)[1];
};
const out = option('--out') ?? (await mkdtemp(join(tmpdir(), 'cairn-shots-')));
const schemes = option('--scheme', 'light,dark').split(',');
const click = option('--click');
const pages = option('--pages') ?? (await built());
const widths = option('--width', '1440,768,390').split(',').map(Number);
const wait = Number(option('--wait', '600'));
const paths = args.length ? args : ['signin', '/gallery'];

await mkdir(out, { recursive: true });
const axe = await readFile(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');
const mock = await startMock({ pages });
const browser = await startBrowser();
let failed = 0;
try {
  for (const scheme of schemes) {
    for (const path of paths) {
      const tab = await browser.newPage();
      await tab.scheme(scheme);
      await tab.size(widths[0], 900);
      await tab.goto(mock.url + '/');
      await tab.waitFor('document.readyState === "complete"');
      if (path !== 'signin') {
        await tab.evaluate(`fetch(${JSON.stringify(mock.url)} + '/session', {method: 'POST', body: JSON.stringify({accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'x'})}).then(r => r.json())`);
      }
      await tab.goto(mock.url + (path === 'signin' ? '/' : path));
      await tab.waitFor("document.querySelector('#root')?.childElementCount > 0");
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (click) {
        await tab.evaluate(`document.querySelector(${JSON.stringify(click)}).click()`);
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
      for (const width of widths) {
        await tab.size(width, 900);
        await new Promise((resolve) => setTimeout(resolve, 300));
        const name = `${path.replace(/[^\w-]+/g, '_').replace(/^_+/, '') || 'home'}-${scheme}-${width}.png`;
        await writeFile(join(out, name), await tab.screenshot());
        const over = await tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        if (over > 0) report(name, `scrolls sideways by ${over} px`);
        await tab.call('Runtime.evaluate', { expression: axe });
        const findings = await tab.evaluate(
          "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then(r => r.violations.map(v => `${v.id} (${v.impact}): ${v.nodes.length} × ${v.nodes[0].html.slice(0, 160)}`))",
        );
        findings.forEach((finding) => report(name, `axe: ${finding}`));
      }
      // The first answer to "who is signed in?" is 401, which browsers log as an error.
      tab.problems.filter((problem) => !/status of 401/.test(problem)).forEach((problem) => report(path, problem));
      await tab.close();
    }
  }
} finally {
  await browser.close();
  mock.close();
}
console.log(`${failed} problems; pictures in ${out}`);
process.exitCode = failed ? 1 : 0;

async function built() {
  const dir = join(tmpdir(), `cairn-pages-${process.pid}`);
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  process.env.CAIRN_BUILD_DIR = dir;
  const root = fileURLToPath(new URL('..', import.meta.url));
  process.chdir(root);
  await build({ root, mode: 'gallery', logLevel: 'error' });
  return dir;
}

function report(where, what) {
  failed++;
  console.log(`${where}: ${what}`);
}
