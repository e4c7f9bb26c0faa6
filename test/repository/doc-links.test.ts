/**
 * Every relative link of the documents leads to a file and, where it names one, to a heading of it; and every path of the
 * repository that stands in a document as code exists. Pictures are left to the eye.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import t from 'tap';
import { root } from './packages.ts';

const pages = [
  ...['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map((name) => join(root, name)),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, 'docs', name)),
];

for (const page of pages) {
  t.test(relative(root, page), async (t) => {
    const text = withoutBlocks(readFileSync(page, 'utf8'));
    for (const [, target = ''] of text.matchAll(/(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(file)) t.fail(`${target} leads nowhere`);
      else if (anchor !== undefined && !anchorsOf(file).has(anchor)) t.fail(`${target}: there is no such heading`);
    }
    for (const [, path = ''] of text.matchAll(/`((?:packages|test|scripts|examples|docs)\/[\w./*-]+)`/g)) {
      const found = path.includes('*') ? foldersLike(path) : existsSync(join(root, path));
      if (!found) t.fail(`${path} does not exist`);
    }
    t.pass('all links and paths read');
  });
}

/** A folder for any name in place of the star: at least one. */
function foldersLike(pattern: string): boolean {
  const [before = '', after = ''] = pattern.split('*', 2);
  return readdirSync(join(root, before)).some((name) => existsSync(join(root, before, name, after)));
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

function anchorsOf(file: string): ReadonlySet<string> {
  const headings = withoutBlocks(readFileSync(file, 'utf8')).matchAll(/^#+ (.*)$/gm);
  return new Set(Array.from(headings, ([, heading = '']) => slug(heading)));
}

/** As GitHub makes them. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}
