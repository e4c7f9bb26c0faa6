// The table of error codes and the page that explains them are one truth: each code is on the page, and nothing else is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CountersignError, type ErrorCode, errorCodes } from '@countersign/core';
import t from 'tap';
import { root } from './packages.ts';

const page = readFileSync(join(root, 'docs/error-codes.md'), 'utf8');
const codes = Object.keys(errorCodes) as ErrorCode[];
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      return [heading, lines.join('\n').replace(/^## [\s\S]*/m, '')] as const;
    }),
);

t.test('each code has its heading, each heading its code, in the same order', async (t) => {
  t.strictSame([...sections.keys()], codes);
  t.equal(page.match(/^### /gm)?.length, codes.length, 'and none twice');
});

for (const code of codes) {
  t.test(`${code} is explained`, async (t) => {
    const section = sections.get(code) ?? '';
    const { status, message } = errorCodes[code];
    t.ok(section.includes(`\nStatus ${status}. “${message}”\n`), `its status ${status} and its sentence`);
    for (const part of ['What happened', 'What to do']) {
      const [, text = ''] =
        section.match(new RegExp(`^\\*\\*${part}\\.\\*\\* ([\\s\\S]+?)(?:\\n\\n|\\n*$(?![\\s\\S]))`, 'm')) ?? [];
      t.match(text.trim(), /^\S[\s\S]{15,}[.`]$/, part);
    }
    t.equal(new CountersignError(code).help, `docs/error-codes.md#${code}`, 'and the error links here');
  });
}

t.test('codes named elsewhere on the page are codes', async (t) => {
  const named = [...page.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, name = '']) => name);
  t.strictSame(
    named.filter((name) => !(codes as readonly string[]).includes(name) && !name.startsWith('stepup_')),
    [],
  );
});
