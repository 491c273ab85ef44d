import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { fontFiles } from './scripts/fontfiles.mjs';
import { themeCSS } from './scripts/themecss.mjs';

const here = (p: string) => fileURLToPath(new URL(p, import.meta.url));

// Where `npm run dev` sends the calls: dev/mock.mjs, or a real console with CAIRN_CONSOLE=http://127.0.0.1:4587.
const target = process.env.CAIRN_CONSOLE ?? 'http://127.0.0.1:4599';

let frame = new Set<string>();

export default defineConfig({
  plugins: [react(), fontFiles(), themeCSS(), findFrame()],
  resolve: { alias: { '@': here('./src') } },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(['/session', '/_cairn', '/aws'].map((path) => [path, { target, changeOrigin: true }])),
  },
  build: {
    target: 'es2022',
    outDir: process.env.CAIRN_BUILD_DIR ?? 'build',
    emptyOutDir: true,
    manifest: true,
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 5000,
    rolldownOptions: {
      output: {
        // Names without hashes: what did not change keeps its name and its bytes. The server sends an ETag.
        entryFileNames: 'assets/[name].js',
        chunkFileNames: (chunk) => `assets/${chunkName(chunk)}.js`,
        assetFileNames: 'assets/[name][extname]',
        codeSplitting: {
          includeDependenciesRecursively: false,
          // Few chunks, with names that do not depend on which page was written first: the frame with what it needs (index), what
          // three or more pages share beyond that (components from packages, shared from src), and a chunk for each page. What two pages
          // share is a chunk for those two: in what all pages load, it would take them over the limit of scripts/build.mjs.
          groups: [
            { name: 'react', priority: 2, test: /node_modules[\\/](react|react-dom|scheduler|wouter|regexparam|use-sync-external-store)[\\/]/ },
            {
              name: (id) => (frame.has(id) ? null : /[\\/]node_modules[\\/]/.test(id) ? 'components' : 'shared'),
              minShareCount: 3,
            },
          ],
        },
      },
    },
  },
});

// A page's chunk is called after its folder, because all pages have their code in index.tsx.
function chunkName(chunk: { name: string; facadeModuleId?: string | null }): string {
  const page = /[\\/]src[\\/]pages[\\/]([^\\/]+)[\\/]index\.tsx$/.exec(chunk.facadeModuleId ?? '');
  return page ? `page-${page[1]}` : chunk.name;
}

/** Notes which modules are loaded with the frame of the console, before any page. */
function findFrame(): Plugin {
  return {
    name: 'cairn:frame',
    buildEnd() {
      const waiting = [here('./index.html'), here('./src/main.tsx')];
      frame = new Set(waiting);
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        for (const imported of this.getModuleInfo(next)?.importedIds ?? []) {
          if (!frame.has(imported)) waiting.push(imported);
          frame.add(imported);
        }
      }
    },
  };
}
