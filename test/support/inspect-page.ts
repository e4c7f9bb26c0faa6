import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Test } from 'tap';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** COUNTERSIGN_SCREENSHOTS=folder keeps pictures of what is inspected, at phone and desktop width. */
const pictures = process.env.COUNTERSIGN_SCREENSHOTS;
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** axe finds nothing, shadow trees included, and nothing sticks out sideways, on a phone and on a desk. */
export async function inspectPage(t: Test, page: Page, name: string): Promise<void> {
  for (const [width, viewport] of [
    ['phone', PHONE],
    ['desktop', DESKTOP],
  ] as const) {
    await page.setViewportSize(viewport);
    const found = await page.evaluate(
      async ([source, tags]) => {
        // The page's policy allows no inline script; the debugger's own world does.
        const run = new Function(
          `${source}; return axe.run({ runOnly: { type: 'tag', values: ${JSON.stringify(tags)} } });`,
        );
        const { violations } = await (run() as Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>);
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
      },
      [axe, RULES] as const,
    );
    t.same(found, [], `${name}: axe finds nothing (${width})`);
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    t.equal(sideways, 0, `${name}: nothing sticks out (${width})`);
    if (pictures === undefined) continue;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}-${width}.png`), fullPage: true });
  }
}

/** What has the focus, across the shadow tree: a field's name, else an id, else the text. */
export const focusOf = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const active = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement;
    return active?.getAttribute('name') ?? (active?.id || active?.textContent || '');
  });
