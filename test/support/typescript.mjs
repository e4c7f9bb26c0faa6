// Lets Node import TypeScript, for tests alone: types are stripped by esbuild, and each file once. tap's own way loads the whole
// compiler in every test file and transpiles all that it imports anew, which was a third of the time that the tests took.
// Plain JavaScript, since it is what reads the rest; preloaded by .taprc.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, threadId } from 'node:worker_threads';

const esbuild = '../../packages/web/package.json';
const cache = new URL('../../.cache/tests/', import.meta.url);
const hash = (/** @type {string} */ text) => createHash('sha256').update(text).digest('hex');

// The hooks run in a thread of their own, from this same file.
if (isMainThread) register(import.meta.url);

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  const language = /^file:.*\.(tsx?)$/.exec(url)?.[1];
  if (language === undefined) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const text = readFileSync(path, 'utf8');
  return { format: 'module', shortCircuit: true, source: cached(path, text) ?? transpile(path, text, language) };
}

/** Made from this very text, by this very version of what makes it. */
const stampOf = (/** @type {string} */ text) => `// ${hash(version() + text)}\n`;
const placeOf = (/** @type {string} */ path) => new URL(`${hash(path)}.js`, cache);

/**
 * @param {string} path
 * @param {string} text
 */
function cached(path, text) {
  try {
    const kept = readFileSync(placeOf(path), 'utf8');
    const stamp = stampOf(text);
    return kept.startsWith(stamp) ? kept.slice(stamp.length) : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} path
 * @param {string} text
 * @param {string} language
 */
function transpile(path, text, language) {
  const { transformSync } = createRequire(new URL(esbuild, import.meta.url))('esbuild');
  const { code } = transformSync(text, {
    loader: language,
    format: 'esm',
    target: 'node20',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    sourcefile: path,
    sourcemap: 'inline',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  // Several test files may come here at once: each leaves a whole file.
  mkdirSync(cache, { recursive: true });
  const partial = new URL(`${hash(path)}.${process.pid}.${threadId}`, cache);
  writeFileSync(partial, stampOf(text) + code);
  renameSync(partial, placeOf(path));
  return code;
}

/** @type {string | undefined} */
let found;
function version() {
  found ??= hash(
    readFileSync(new URL(import.meta.url), 'utf8') +
      createRequire(new URL(esbuild, import.meta.url))('esbuild/package.json').version,
  );
  return found;
}
