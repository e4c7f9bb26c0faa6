import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import t from 'tap';
import { installedPackage } from './installed-package.ts';

const SYSTEM_BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

/**
 * A headless Chromium, closed at the end of the test file: the one in COUNTERSIGN_TEST_BROWSER, else the system's,
 * else the one unpacked from `@sparticuz/chromium`. Serve pages on `localhost`: WebAuthn refuses 127.0.0.1.
 */
export async function launchBrowser(): Promise<Browser> {
  const { executablePath, env } = await findBrowser();
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS, headless: true, ...(env ? { env } : {}) });
  t.teardown(() => browser.close());
  return browser;
}

interface InstalledBrowser {
  readonly executablePath: string;
  readonly env?: Record<string, string>;
}

async function findBrowser(): Promise<InstalledBrowser> {
  const named = process.env.COUNTERSIGN_TEST_BROWSER;
  if (named) return { executablePath: named };
  const system = SYSTEM_BROWSERS.find((path) => existsSync(path));
  if (system) return { executablePath: system };

  const folder = await unpackBrowser();
  const executablePath = join(folder, 'chromium');
  // The package brings the libraries that a bare image lacks; where the system has its own, those are the right ones.
  if (spawnSync(executablePath, ['--version']).status === 0) return { executablePath };
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return { executablePath, env: { ...inherited, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') } };
}

/** Once per version, into a folder of its own: the package would keep an older binary, and does not expect a neighbour. */
async function unpackBrowser(): Promise<string> {
  const { entry, version } = installedPackage('@sparticuz/chromium');
  const folder = join(tmpdir(), `countersign-chromium-${process.getuid?.() ?? 'user'}-${version}`);
  if (existsSync(folder)) return folder;
  const partial = await mkdtemp(`${folder}-`);
  const program = `import(${JSON.stringify(entry)}).then((it) => (it.default.default ?? it.default).executablePath())`;
  await promisify(execFile)(process.execPath, ['-e', program], {
    env: { ...process.env, TMPDIR: partial, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
  });
  try {
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another process was first
  }
  return folder;
}
