import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';
import { ACTION } from './run.js';

interface Build {
  STEPS: string[];
  bundle(step: string): Promise<string>;
}

test('dist/ is what the sources give', async () => {
  const { STEPS, bundle } = (await import(pathToFileURL(join(ACTION, 'scripts', 'build.mjs')).href)) as Build;
  assert.deepEqual(readdirSync(join(ACTION, 'dist')).sort(), STEPS.map((step) => `${step}.js`).sort());
  for (const step of STEPS) {
    assert.equal(readFileSync(join(ACTION, 'dist', `${step}.js`), 'utf8'), await bundle(step), `run npm run build: dist/${step}.js is stale`);
  }
});

test('a step needs nothing but Node', () => {
  for (const step of ['main', 'post']) {
    const modules = [...readFileSync(join(ACTION, 'dist', `${step}.js`), 'utf8').matchAll(/require\("([^"]+)"\)/g)].map((match) => match[1] ?? '');
    assert.deepEqual(modules.filter((name) => !name.startsWith('node:')), []);
  }
});

test('the lock file names no host', () => {
  assert.doesNotMatch(readFileSync(join(ACTION, 'package-lock.json'), 'utf8'), /"resolved"/);
});
