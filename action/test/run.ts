/** Runs a step as a runner does: the committed file, in a process of its own, with the files of the runner. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REQUEST_TOKEN, type Fake } from './fake.js';

/** The folder of the action; the bundled tests are two folders below. */
export const ACTION = join(__dirname, '..', '..');

export interface Outcome {
  readonly code: number | null;
  readonly lines: string[];
  readonly text: string;
  readonly milliseconds: number;
  readonly outputs: Record<string, string>;
  readonly state: Record<string, string>;
  readonly exported: Record<string, string>;
  readonly summary: string;
}

/** The environment of a job in `acme/app` whose server is the fake. `undefined` unsets. */
export function jobOf(fake: Fake, changes: Record<string, string | undefined> = {}): Record<string, string | undefined> {
  return {
    GITHUB_REPOSITORY: 'acme/app',
    GITHUB_API_URL: `${fake.origin}/api/v3`,
    GITHUB_SERVER_URL: fake.origin,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${fake.origin}/oidc?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
    INPUT_IDENTITY: 'deploy',
    INPUT_DOMAIN: 'octo-sts.dev',
    'INPUT_BASE-URL': fake.origin,
    ...changes,
  };
}

export async function runStep(step: 'main' | 'post', env: Record<string, string | undefined>): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'octo-sts-action-'));
  const file = (name: string) => join(folder, name);
  const names = { GITHUB_OUTPUT: 'output', GITHUB_STATE: 'state', GITHUB_ENV: 'env', GITHUB_STEP_SUMMARY: 'summary' };
  const files: Record<string, string> = {};
  for (const [variable, name] of Object.entries(names)) {
    writeFileSync(file(name), '');
    files[variable] = file(name);
  }
  const started = performance.now();
  const { code, text } = await finished(join(ACTION, 'dist', `${step}.js`), { PATH: process.env['PATH'], RUNNER_TEMP: tmpdir(), ...files, ...env });
  const read = (name: string) => readFileSync(file(name), 'utf8');
  const outcome = {
    code,
    text,
    lines: text.split('\n').filter((line) => line !== ''),
    milliseconds: performance.now() - started,
    outputs: variables(read('output')),
    state: variables(read('state')),
    exported: variables(read('env')),
    summary: read('summary'),
  };
  rmSync(folder, { recursive: true });
  return outcome;
}

/** The environment of the post step: what the main step has kept. */
export function stateOf(outcome: Outcome): Record<string, string> {
  return Object.fromEntries(Object.entries(outcome.state).map(([name, value]) => [`STATE_${name}`, value]));
}

function finished(script: string, env: Record<string, string | undefined>): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    child.stderr.on('data', (data: Buffer) => (text += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
  });
}

/** Reads `name<<delimiter`, lines, `delimiter`, as the runner does. */
function variables(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const lines = text.split('\n');
  while (lines.length > 1) {
    const [name = '', delimiter = ''] = (lines.shift() ?? '').split('<<');
    const end = lines.indexOf(delimiter);
    found[name] = lines.splice(0, end).join('\n');
    lines.shift();
  }
  return found;
}
