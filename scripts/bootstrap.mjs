// Installs what the lockfile names, and does nothing where that is already installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const read = (path) => (existsSync(new URL(path, root)) ? readFileSync(new URL(path, root), 'utf8') : '');

const installed = read('node_modules/.modules.yaml') && read('node_modules/.pnpm/lock.yaml') === read('pnpm-lock.yaml');
if (!installed) {
  const manager = JSON.parse(read('package.json')).packageManager.split('+')[0];
  console.log(`Installing the dependencies with ${manager} …`);
  const args = ['--yes', manager, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'];
  const { status } = spawnSync('npx', args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, npm_config_loglevel: 'error' }, // `npm run -s` would silence its errors too
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error('The installation failed: see above, or run `npx pnpm install` after a change of a package.json.');
    process.exit(status ?? 1);
  }
}
