// Bundles each step into one file of plain JavaScript: `node scripts/build.mjs` writes dist/, `--tests` writes build/test/.
import { readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The entry points of the action: the step itself, and what runs when the job ends. */
export const STEPS = ['main', 'post'];

const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  charset: 'utf8',
  legalComments: 'none',
  define: { VERSION: JSON.stringify(version) },
};

/** The bundled text of one step. The same sources give the same bytes on every machine. */
export async function bundle(step) {
  const result = await build({ ...shared, entryPoints: [`src/${step}.ts`], write: false });
  return result.outputFiles[0].text;
}

async function writeDist() {
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (const step of STEPS) {
    writeFileSync(join(root, 'dist', `${step}.js`), await bundle(step));
  }
}

async function writeTests() {
  rmSync(join(root, 'build'), { recursive: true, force: true });
  const tests = readdirSync(join(root, 'test')).filter((name) => name.endsWith('.test.ts'));
  const entryPoints = tests.map((name) => `test/${name}`);
  await build({ ...shared, entryPoints, outdir: 'build/test', sourcemap: 'inline', external: ['esbuild'] });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await (process.argv.includes('--tests') ? writeTests() : writeDist());
}
