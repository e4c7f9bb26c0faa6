/**
 * The TypeScript in README.md and docs/ compiles against what is built, and what says `run` runs.
 *
 *     ```ts               compiled
 *     ```ts run           compiled and run: it must end by itself with exit code 0
 *     ```ts file=app.ts   kept under that name beside the page's other blocks, which import it from './app.ts'
 *     ```ts continues     goes on from the block before it on its page
 *     <!-- prelude        code that every later block of the page stands on and the reader does not see
 *     const app = …
 *     -->
 *
 * The marks combine. Code that is not to be compiled is not marked ts: use js, text or console.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { runTsc } from '../../scripts/run-tsc.mjs';
import { root } from './packages.ts';

interface Snippet {
  /** Of its first line in the page. */
  readonly line: number;
  readonly run: boolean;
  readonly file: string | null;
  /** The page with everything but this code blanked, so that compilers and stacks name the page's own lines. */
  readonly code: string;
}

const folder = fileURLToPath(new URL('../.snippets', import.meta.url));
const pages = markdownPages();

t.test('marks are understood', async (t) => {
  const page = [
    '<!-- prelude',
    "import a from 'a';",
    '-->',
    '```ts run',
    'const b = a;',
    '```',
    '- in a list',
    '  ```ts continues file=c.ts',
    '  use(b);',
    '  ```',
    '```js',
    'not.read;',
    '```',
  ].join('\n');
  const blank = (count: number) => '\n'.repeat(count);
  t.strictSame(snippetsOf(page), [
    { line: 5, run: true, file: null, code: `${blank(1)}import a from 'a';${blank(3)}const b = a;${blank(8)}` },
    {
      line: 9,
      run: false,
      file: 'c.ts',
      code: `${blank(1)}import a from 'a';${blank(3)}const b = a;${blank(4)}  use(b);${blank(4)}`,
    },
  ]);
  t.throws(() => snippetsOf('```ts runs\n```'), /line 1: unknown mark "runs"/);
  t.throws(() => snippetsOf('```ts continues\n```'), /line 1: nothing to continue/);
  t.throws(() => snippetsOf('```ts\nnever closed'), /line 1: .* is not closed/);
});

t.test('snippets compile, and those marked run do run', { timeout: 300_000 }, async (t) => {
  if (pages.length === 0) return t.pass('README.md and docs/ hold no page yet');
  rmSync(folder, { recursive: true, force: true });
  const runnable: { readonly name: string; readonly program: string }[] = [];
  let count = 0;
  for (const page of pages) {
    const name = relative(root, page);
    const own = name.replace(/\.md$/, '').replaceAll(sep, '_');
    for (const snippet of snippetsOf(readFileSync(page, 'utf8'), name)) {
      const file = join(own, snippet.file ?? `line-${snippet.line}.ts`);
      mkdirSync(dirname(join(folder, 'src', file)), { recursive: true });
      writeFileSync(join(folder, 'src', file), `${snippet.code}\nexport {};\n`);
      count++;
      if (snippet.run) runnable.push({ name: `${name}:${snippet.line}`, program: file.replace(/\.ts$/, '.js') });
    }
  }
  if (count === 0) return t.pass(`${pages.length} pages hold no snippet yet`);

  const options = { rootDir: 'src', outDir: 'dist', composite: false, declaration: false, lib: ['ES2023', 'DOM'] };
  const config = { extends: '../../tsconfig.base.json', compilerOptions: options, include: ['src'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const { ok, output } = runTsc(folder, '-p', '.', '--pretty', 'false');
  // In a message the folder names the page, and the line is the page's own.
  if (!t.strictSame({ ok, output }, { ok: true, output: '' }, `${count} snippets of ${pages.length} pages compile`))
    return;

  for (const { name, program } of runnable) {
    const { error } = await runProgram(join(folder, 'dist', program));
    t.equal(error, null, `${name} runs`);
  }
});

function markdownPages(): string[] {
  const docs = join(root, 'docs');
  const below = existsSync(docs)
    ? readdirSync(docs, { recursive: true, encoding: 'utf8' }).map((name) => join(docs, name))
    : [];
  return [join(root, 'README.md'), ...below.sort()].filter((path) => path.endsWith('.md') && existsSync(path));
}

function snippetsOf(markdown: string, name = 'page'): Snippet[] {
  const lines = markdown.split('\n');
  const prelude: number[] = [];
  const snippets: Snippet[] = [];
  let previous: readonly number[] | null = null;
  const fail = (index: number, message: string): never => {
    throw new Error(`${name}, line ${index + 1}: ${message}`);
  };
  for (let index = 0; index < lines.length; index++) {
    const opening = lines[index] ?? '';
    const fence = opening.match(/^\s*(`{3,}|~{3,})\s*(\S*)\s*(.*?)\s*$/);
    if (!fence && opening.trim() !== '<!-- prelude') continue;
    const closes = (line: string) => (fence ? line.trim() === fence[1] : line.trim() === '-->');
    const end = lines.findIndex((line, at) => at > index && closes(line));
    if (end === -1) return fail(index, `"${opening.trim()}" is not closed`);
    const body = Array.from({ length: end - index - 1 }, (_, offset) => index + 1 + offset);
    if (!fence) prelude.push(...body);
    else if (fence[2] === 'ts' || fence[2] === 'typescript') {
      const marks = (fence[3] ?? '').split(/\s+/).filter(Boolean);
      const unknown = marks.find((mark) => !/^(run|continues|file=[\w./-]+\.ts)$/.test(mark));
      if (unknown) return fail(index, `unknown mark "${unknown}"`);
      if (marks.includes('continues') && !previous) return fail(index, 'nothing to continue');
      const own: readonly number[] = marks.includes('continues') && previous ? [...previous, ...body] : body;
      const kept = new Set([...prelude, ...own]);
      snippets.push({
        line: index + 2,
        run: marks.includes('run'),
        file: marks.find((mark) => mark.startsWith('file='))?.slice('file='.length) ?? null,
        code: lines.map((line, at) => (kept.has(at) ? line : '')).join('\n'),
      });
      previous = own;
    }
    index = end;
  }
  return snippets;
}

async function runProgram(program: string): Promise<{ readonly error: string | null }> {
  try {
    await promisify(execFile)(process.execPath, [program], { timeout: 60_000 });
    return { error: null };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
