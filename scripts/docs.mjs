// Writes site/: the reference of every package, from its docstrings, and the pages of docs/ with the root's.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const packages = readdirSync('packages').filter((name) => existsSync(join('packages', name, 'package.json')));
const pages = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...markdownBelow('docs')].filter(
  (path) => existsSync(path),
);

rmSync('site', { recursive: true, force: true });
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const app = await Application.bootstrapWithPlugins({
  name: `Countersign ${version}`,
  entryPointStrategy: 'packages',
  entryPoints: packages.map((name) => `packages/${name}`),
  packageOptions: {
    entryPoints: ['src/index.ts'],
    readme: 'none',
    excludePrivate: true,
    excludeInternal: true,
    skipErrorChecking: true, // the build has checked them, with the same options
  },
  projectDocuments: pages,
  readme: existsSync('README.md') ? 'README.md' : 'none',
  out: 'site',
  disableSources: true, // would need an address of the repository
  disableGit: true,
  githubPages: false,
  hideGenerator: true,
  validation: { notExported: false, invalidLink: true, invalidPath: true },
});
const project = await app.convert();
if (project) {
  app.validate(project);
  await app.generateOutputs(project);
}
if (!project || app.logger.hasErrors()) process.exit(1);
console.log(`Docs: ${packages.length} packages and ${pages.length} pages in site/.`);

function markdownBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
    .sort();
}
