// Runs the tests in test/: each is made into JavaScript first, because not every version of Node reads TypeScript.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'cairn-test-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const tests = readdirSync(join(root, 'test')).filter((name) => name.endsWith('.test.ts'));
const bundle = await rolldown({
  input: Object.fromEntries(tests.map((name) => [name.replace(/\.ts$/, ''), join(root, 'test', name)])),
  platform: 'node',
  logLevel: 'silent',
  resolve: { alias: { '@': join(root, 'src') } },
  moduleTypes: { '.css': 'empty' },
  plugins: [{ name: 'mock', resolveId: (id) => (id.startsWith('#dev/') ? { id: join(root, 'dev', id.slice(5)), external: true } : null) }],
});
await bundle.write({ dir, format: 'esm' });
await bundle.close();
writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
const { status } = spawnSync(process.execPath, ['--test', ...tests.map((name) => join(dir, name.replace(/\.ts$/, '.js')))], { stdio: 'inherit' });
process.exitCode = status ?? 1;
