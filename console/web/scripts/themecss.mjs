// A Vite plugin that makes the style sheet of the console's theme, src/app/theme.ts, when the console is built. Cloudscape would
// otherwise add it to the page in a <style> element, which the policy style-src 'self' forbids.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const source = fileURLToPath(new URL('../src/app/theme.ts', import.meta.url));
const preset = fileURLToPath(new URL('../node_modules/@cloudscape-design/components/internal/generated/theming/index.js', import.meta.url));
const virtual = '\0cairn-theme.css';

export function themeCSS() {
  return {
    name: 'cairn:theme-css',
    resolveId: (id) => (id === 'virtual:theme.css' ? virtual : null),
    async load(id) {
      if (id !== virtual) return null;
      this.addWatchFile(source);
      return { code: await stylesheet(), map: null };
    },
  };
}

async function stylesheet() {
  const dir = await mkdtemp(join(tmpdir(), 'cairn-theme-'));
  try {
    const bundle = await rolldown({
      input: 'entry',
      platform: 'node',
      logLevel: 'silent',
      plugins: [
        {
          name: 'entry',
          resolveId: (id) => (id === 'entry' ? source + '?entry' : null),
          load: (id) =>
            id === source + '?entry'
              ? `import {generateThemeStylesheet} from '@cloudscape-design/components/theming';
                 import {preset} from ${JSON.stringify(preset)};
                 import {theme, variables} from ${JSON.stringify(source)};
                 const own = Object.entries(variables).map(([name, token]) => {
                   if (!preset.propertiesMap[token]) throw new Error('Cloudscape has no token ' + token);
                   return name + ':var(' + preset.propertiesMap[token] + ')';
                 });
                 export default generateThemeStylesheet({theme}) + 'body{' + own.join(';') + '}';`
              : null,
        },
      ],
    });
    const file = join(dir, 'theme.mjs');
    await bundle.write({ file, format: 'esm' });
    await bundle.close();
    return (await import(pathToFileURL(file).href)).default;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
