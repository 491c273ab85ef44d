// A Vite plugin that takes the fonts out of Cloudscape's style sheet, where they are data: URIs, and makes files of them, so that
// the policy font-src 'self' holds. The weights that the console does not use are left out.

const kept = new Set(['400', '700']);

export function fontFiles() {
  let build = false;
  return {
    name: 'cairn:font-files',
    enforce: 'pre',
    configResolved(config) {
      build = config.command === 'build';
    },
    transform(code, id) {
      if (!build || !id.split('?')[0].endsWith('global-styles/index.css')) return null;
      let found = 0;
      const css = code.replace(/@font-face\s*\{[^}]*\}/g, (rule) => {
        const weight = /font-weight:\s*(\d+)/.exec(rule)?.[1];
        const data = /url\(['"]?data:font\/woff2;base64,([A-Za-z0-9+/=]+)['"]?\)/.exec(rule)?.[1];
        if (!weight || !data) throw new Error(`not a font with a weight and its data: ${rule.slice(0, 200)}`);
        if (!kept.has(weight) || !/font-style:\s*normal/.test(rule)) return '';
        found++;
        const fileName = `assets/open-sans-${weight}.woff2`;
        this.emitFile({ type: 'asset', fileName, source: Buffer.from(data, 'base64') });
        return `@font-face{font-family:'Open Sans';font-weight:${weight};font-style:normal;font-display:swap;src:url(/${fileName}) format('woff2')}`;
      });
      if (found !== kept.size) throw new Error(`expected ${kept.size} fonts in ${id}, found ${found}`);
      return { code: css, map: null };
    },
  };
}
