import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

// The compiler itself, not its bin: that is a module without an ending, which Node cannot load beneath tap's hooks.
const manifest = createRequire(import.meta.url).resolve('@typescript/native/package.json');
const { default: getExePath } = await import(pathToFileURL(join(dirname(manifest), 'lib', 'getExePath.js')).href);

/**
 * Runs the compiler that the build uses, in `cwd`.
 * @param {string} cwd
 * @param {...string} args
 */
export function runTsc(cwd, ...args) {
  const { status, stdout, stderr, error } = spawnSync(getExePath(), args, { cwd, encoding: 'utf8' });
  return { ok: status === 0, output: `${stdout}${stderr}${error ?? ''}` };
}
