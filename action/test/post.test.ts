import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Fake, GITHUB_TOKEN } from './fake.js';
import { jobOf, runStep, stateOf } from './run.js';

let fake: Fake;
before(async () => (fake = await Fake.start()));
after(() => fake.stop());
beforeEach(() => fake.seen.splice(0));

async function kept(changes: Record<string, string> = {}): Promise<Record<string, string>> {
  return stateOf(await runStep('main', jobOf(fake, changes)));
}

test('the token is revoked where it was issued', async () => {
  const { code, text } = await runStep('post', await kept());
  const [asked] = fake.requests('/api/v3/installation/token');
  assert.equal(code, 0);
  assert.equal(asked?.method, 'DELETE');
  assert.deepEqual(asked?.authorization, [`Bearer ${GITHUB_TOKEN}`]);
  assert.match(text, /^The token is revoked$/m);
});

test('the API that the main step was given counts, not the one of the server', async () => {
  const state = await kept({ 'INPUT_API-URL': `${fake.origin}/api/v3/`, GITHUB_API_URL: 'https://api.github.com' });
  await runStep('post', { ...state, GITHUB_API_URL: 'https://api.github.com' });
  assert.equal(fake.requests('/api/v3/installation/token').length, 1);
});

test('a token that has already ended is no error', async () => {
  fake.revocation.push({ status: 401, body: { message: 'Bad credentials' } });
  const { code, text } = await runStep('post', await kept());
  assert.equal(code, 0);
  assert.match(text, /^The token had already ended$/m);
  assert.doesNotMatch(text, /::(error|warning)/);
});

test('a passing failure is tried again', async () => {
  fake.revocation.push({ status: 502 }, 'reset');
  assert.match((await runStep('post', await kept())).text, /^The token is revoked$/m);
  assert.equal(fake.requests('/api/v3/installation/token').length, 3);
});

test('a token that cannot be revoked is a warning, and the job goes on', async () => {
  fake.revocation.push({ status: 403, body: { message: 'forbidden' } });
  const { code, text } = await runStep('post', await kept());
  assert.equal(code, 0);
  assert.match(text, /^::warning title=Octo STS%3A Token not revoked::GitHub answered 403/m);
});

test('revoke: false leaves the token alone', async () => {
  const { code } = await runStep('post', await kept({ INPUT_REVOKE: 'false' }));
  assert.equal(code, 0);
  assert.equal(fake.requests('/api/v3/installation/token').length, 0);
});

test('a main step that failed leaves nothing to do', async () => {
  const { code, text } = await runStep('post', {});
  assert.equal(code, 0);
  assert.equal(text, '');
});
