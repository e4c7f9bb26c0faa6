// Bundles what browsers load, from packages/web/browser into packages/web/dist/browser. Skipped where nothing has changed.
// Words and styles are evaluated here, so that a bundle holds what it shows and not all of what it was picked from.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENTRIES = ['countersign', 'step-up', 'passkey', 'emergency'];
const EVALUATED = /-(?:words|style)\.ts$/;

const root = fileURLToPath(new URL('..', import.meta.url));
const web = join(root, 'packages', 'web');
const source = join(web, 'browser');
const target = join(web, 'dist', 'browser');
const stamp = join(root, '.cache', 'build-browser.json');
const outputs = ENTRIES.map((name) => join(target, `${name}.js`));

const hash = (...parts) =>
  parts.reduce((sum, part) => sum.update(part).update('\0'), createHash('sha256')).digest('hex');
const filesIn = (folder) => readdirSync(folder).map((name) => join(folder, name));
const inputs = [
  fileURLToPath(import.meta.url),
  ...filesIn(source),
  ...filesIn(join(web, 'src', 'strings')),
  join(root, 'pnpm-lock.yaml'),
];
const outputsHash = () => hash(...outputs.map((path) => (existsSync(path) ? readFileSync(path) : '')));
const made = () =>
  JSON.stringify({ inputs: hash(...inputs.map((path) => readFileSync(path))), outputs: outputsHash() });
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === made()) process.exit(0);

// It starts the binary of its platform's own package, so it needs no install script to have run.
const { build, transform } = createRequire(join(web, 'package.json'))('esbuild');

/** A module that holds data alone becomes that data. */
const evaluated = {
  name: 'evaluated',
  setup(bundler) {
    bundler.onLoad({ filter: EVALUATED }, async ({ path }) => {
      const { outputFiles } = await build({ ...common, entryPoints: [path], plugins: [], minify: false, write: false });
      const code = Buffer.from(outputFiles[0].contents).toString('base64');
      const values = await import(`data:text/javascript;base64,${code}`);
      const lines = await Promise.all(
        Object.entries(values).map(async ([name, value]) => {
          const css = typeof value === 'string' ? await transform(value, { loader: 'css', minify: true }) : null;
          return `export const ${name} = ${JSON.stringify(css?.code.trim() ?? value)};`;
        }),
      );
      return { contents: lines.join('\n'), loader: 'js' };
    });
  },
};

/** What is imported when it is needed stays a file of its own. */
const apart = {
  name: 'apart',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\/[a-z-]+\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: path.replace(/\.ts$/, '.js'), external: true } : undefined,
    );
  },
};

const common = {
  bundle: true,
  format: 'esm',
  platform: 'browser',
  // Browsers since 2022; all of them know <dialog>, custom elements and constructed style sheets.
  target: ['chrome105', 'edge105', 'firefox104', 'safari16.4'],
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

await build({
  ...common,
  entryPoints: ENTRIES.map((name) => join(source, `${name}.ts`)),
  outdir: target,
  minify: true,
  plugins: [evaluated, apart],
});
mkdirSync(dirname(stamp), { recursive: true });
writeFileSync(stamp, made());
