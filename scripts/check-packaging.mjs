// Packs every package as it would be published, and looks at the tarballs as a user of them would:
// publint, the types of every entry (attw), and each entry loaded by `import` and by `require` with nothing
// but the package's declared dependencies beside it. Optional peers are absent: an entry must load without them.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const manager = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager.split('+')[0];
const temporary = mkdtempSync(join(tmpdir(), 'countersign-packaging-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));

const packages = readdirSync(join(root, 'packages'))
  .map((folder) => join(root, 'packages', folder))
  .filter((path) => existsSync(join(path, 'package.json')))
  .map((path) => ({ path, manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) }));

let failures = 0;
let checks = 0;
/** @param {string} what @param {{ status: number | null, stdout: string, stderr: string }} result */
const report = (what, { status, stdout, stderr }) => {
  checks++;
  if (status === 0) return true;
  failures++;
  console.error(`Packaging: ${what} failed.\n${stdout}${stderr}`.trimEnd());
  return false;
};
const run = (command, args, cwd = root) =>
  spawnSync(command, args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' });
const runBin = (name, bin, args) => run(process.execPath, [join(root, 'node_modules', name, bin), ...args]);

const installed = (name) => join(temporary, 'node_modules', ...name.split('/'));

for (const { path, manifest } of packages) {
  const stale = orphans(path);
  report(`${manifest.name}: dist without a source (delete dist and .cache, build again)`, {
    status: stale.length,
    stdout: stale.join('\n'),
    stderr: '',
  });
  const tarball = join(temporary, `${manifest.name.replace(/^@/, '').replace('/', '-')}-${manifest.version}.tgz`);
  if (
    !report(`pack of ${manifest.name}`, run('npx', ['--yes', manager, 'pack', '--pack-destination', temporary], path))
  )
    continue;
  report(`publint of ${manifest.name}`, runBin('publint', 'src/cli.js', ['run', '--strict', tarball]));
  report(
    `attw of ${manifest.name}`,
    runBin('@arethetypeswrong/cli', 'dist/index.js', ['--profile', 'esm-only', tarball]),
  );

  const home = join(temporary, 'packages', manifest.name);
  mkdirSync(home, { recursive: true });
  report(`unpacking ${manifest.name}`, run('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']));
  const optional = Object.keys(manifest.peerDependenciesMeta ?? {});
  const needed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
    (it) => !optional.includes(it),
  );
  for (const name of needed) {
    const own = packages.some((it) => it.manifest.name === name);
    link(own ? join(temporary, 'packages', name) : join(path, 'node_modules', name), join(home, 'node_modules', name));
  }
  link(home, installed(manifest.name));
}

for (const { manifest } of packages) {
  const entries = Object.entries(manifest.exports).filter(
    ([subpath, target]) => !subpath.includes('*') && target.default,
  );
  for (const specifier of entries.map(([subpath]) => join(manifest.name, subpath).replaceAll('\\', '/'))) {
    const file = join(temporary, specifier.replace(/\W+/g, '-'));
    writeFileSync(`${file}.mjs`, `await import('${specifier}');\n`);
    writeFileSync(`${file}.cjs`, `require('${specifier}');\n`);
    report(`import of ${specifier} on Node ${process.version}`, run(process.execPath, [`${file}.mjs`]));
    report(`require of ${specifier} on Node ${process.version}`, run(process.execPath, [`${file}.cjs`]));
  }
}

if (failures > 0) {
  console.error(`Packaging: ${failures} of ${checks} checks failed.`);
  process.exit(1);
}
console.log(`Packaging: ${packages.length} packages, ${checks} checks passed.`);

function link(target, path) {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, 'junction');
}

/** Compiled files whose source is gone: they would be published. Sources lie in src, or beside it under dist's name. */
function orphans(path) {
  return readdirSync(join(path, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) => {
    const source = name.match(/^(.*)\.(?:js|js\.map|d\.ts)$/)?.[1];
    const places = source ? [join(path, 'src', source), join(path, source)] : [];
    return source && !places.some((place) => existsSync(`${place}.ts`) || existsSync(`${place}.tsx`));
  });
}
