import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { Fake, GITHUB_TOKEN } from './fake.js';
import { jobOf, runStep, stateOf } from './run.js';

let fake: Fake;
let home: string;
before(async () => {
  fake = await Fake.start();
  home = mkdtempSync(join(tmpdir(), 'octo-sts-home-'));
});
after(async () => {
  rmSync(home, { recursive: true });
  await fake.stop();
});
beforeEach(() => fake.seen.splice(0));

const BASIC = `basic ${Buffer.from(`x-access-token:${GITHUB_TOKEN}`).toString('base64')}`;

/** The `Authorization` headers that git sends, whether or not its command succeeds. */
function gitSends(exported: Record<string, string>, ...settings: string[]): Promise<string[] | undefined> {
  const env = { PATH: process.env['PATH'], HOME: home, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1', ...exported };
  const persisted = settings.flatMap((setting) => ['config', '--global', '--add', ...setting.split(' ', 1), setting.slice(setting.indexOf(' ') + 1)]);
  const list = () => run(['ls-remote', `${fake.origin}/acme/app`], env).then(() => fake.requests('/acme/app/info/refs').at(-1)?.authorization);
  return persisted.length > 0 ? run(persisted, env).then(list) : list();
}

function run(args: string[], env: Record<string, string | undefined>): Promise<void> {
  return new Promise((resolve) => execFile('git', args, { env, timeout: 10_000 }, () => resolve()));
}

test('git sends the token, and only it, although a checkout has left its own', async () => {
  const { exported, state } = await runStep('main', jobOf(fake, { 'INPUT_CONFIGURE-GIT': 'true' }));
  assert.deepEqual(await gitSends(exported, `http.${fake.origin}/.extraheader AUTHORIZATION: basic b2xkOm9sZA==`), [BASIC]);
  rmSync(state['git-config'] ?? '');
});

test('the token is in a file that the user alone can read, and not in the environment', async () => {
  const { exported, state } = await runStep('main', jobOf(fake, { 'INPUT_CONFIGURE-GIT': 'true' }));
  const file = state['git-config'] ?? '';
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(readFileSync(file, 'utf8').includes(BASIC));
  assert.deepEqual(exported, { GIT_CONFIG_KEY_0: 'include.path', GIT_CONFIG_VALUE_0: file, GIT_CONFIG_COUNT: '1' });
  rmSync(file);
});

test('settings that earlier steps have exported stay', async () => {
  const { exported, state } = await runStep('main', jobOf(fake, { 'INPUT_CONFIGURE-GIT': 'true', GIT_CONFIG_COUNT: '2' }));
  assert.deepEqual(Object.keys(exported), ['GIT_CONFIG_KEY_2', 'GIT_CONFIG_VALUE_2', 'GIT_CONFIG_COUNT']);
  assert.equal(exported['GIT_CONFIG_COUNT'], '3');
  rmSync(state['git-config'] ?? '');
});

test('after the post step git sends it no more', async () => {
  const outcome = await runStep('main', jobOf(fake, { 'INPUT_CONFIGURE-GIT': 'true' }));
  await runStep('post', stateOf(outcome));
  assert.ok(!existsSync(outcome.state['git-config'] ?? ''));
  assert.notDeepEqual(await gitSends(outcome.exported), [BASIC]);
});

test('the post step removes it where nothing is to be revoked', async () => {
  const outcome = await runStep('main', jobOf(fake, { 'INPUT_CONFIGURE-GIT': 'true', INPUT_REVOKE: 'false' }));
  assert.deepEqual(Object.keys(outcome.state), ['git-config']);
  await runStep('post', stateOf(outcome));
  assert.ok(!existsSync(outcome.state['git-config'] ?? ''));
  assert.equal(fake.requests('/api/v3/installation/token').length, 0);
});

test('without the input git is left alone', async () => {
  const { exported, state } = await runStep('main', jobOf(fake));
  assert.deepEqual(exported, {});
  assert.equal(state['git-config'], undefined);
});
