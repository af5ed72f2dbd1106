import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { delivery, Fake, GITHUB_TOKEN } from './fake.js';
import { jobOf, runStep } from './run.js';

let fake: Fake;
before(async () => (fake = await Fake.start()));
after(() => fake.stop());
beforeEach(() => fake.seen.splice(0));

test('the token and what is known of it are outputs', async () => {
  const { code, outputs } = await runStep('main', jobOf(fake));
  assert.equal(code, 0);
  assert.deepEqual(outputs, {
    token: GITHUB_TOKEN,
    'expires-at': '2026-11-25T03:00:00Z',
    permissions: '{"contents":"read","issues":"write"}',
    repositories: '["acme/app"]',
    'token-sha256': createHash('sha256').update(GITHUB_TOKEN).digest('hex'),
  });
});

test('the request is the one octo-sts/action sends', async () => {
  await runStep('main', jobOf(fake, { 'INPUT_BASE-URL': fake.origin, INPUT_DOMAIN: 'sts.example.com' }));
  const [asked] = fake.requests('/sts/exchange');
  assert.equal(asked?.url.search, '?scope=acme%2Fapp&scopes=acme%2Fapp&identity=deploy');
  assert.deepEqual(asked?.authorization, [`Bearer ${fake.bearer('sts.example.com')}`]);
});

test('a reply that holds a token alone is enough', async () => {
  fake.exchange.push({ status: 200, body: { token: GITHUB_TOKEN, refreshToken: '', expiry: null } });
  const { code, outputs } = await runStep('main', jobOf(fake));
  assert.equal(code, 0);
  assert.equal(outputs['token'], GITHUB_TOKEN);
  assert.equal(outputs['expires-at'], '');
  assert.equal(outputs['permissions'], '');
  assert.equal(outputs['repositories'], '');
});

test('a token on everything the App sees names no repositories', async () => {
  fake.exchange.push({ status: 200, body: delivery({ repositories: undefined, repository_selection: 'all' }) });
  assert.equal((await runStep('main', jobOf(fake))).outputs['repositories'], '');
});

test('scope defaults to the repository of the workflow', async () => {
  await runStep('main', jobOf(fake, { INPUT_SCOPE: '' }));
  assert.equal(fake.requests('/sts/exchange')[0]?.url.searchParams.get('scope'), 'acme/app');
});

test('inputs reach the service as they are, whatever they hold', async () => {
  const scope = 'acme/a&identity=x#y?z%2F +ü';
  await runStep('main', jobOf(fake, { INPUT_SCOPE: scope, INPUT_IDENTITY: 'a b&scope=c', INPUT_AUDIENCE: 'api://x?a=1&b=2 #' }));
  const asked = fake.requests('/sts/exchange')[0]?.url.searchParams;
  assert.deepEqual([...(asked ?? [])], [['scope', scope], ['scopes', scope], ['identity', 'a b&scope=c']]);
  const issued = fake.requests('/oidc')[0]?.url.searchParams;
  assert.deepEqual([...(issued ?? [])], [['api-version', '2.0'], ['audience', 'api://x?a=1&b=2 #']]);
});

test('the audience is the domain, or the host of a service that is elsewhere', async () => {
  const audienceOf = async (changes: Record<string, string>) => {
    fake.seen.splice(0);
    await runStep('main', jobOf(fake, changes));
    return fake.requests('/oidc')[0]?.url.searchParams.get('audience');
  };
  assert.equal(await audienceOf({ INPUT_DOMAIN: 'sts.example.com' }), 'sts.example.com');
  assert.equal(await audienceOf({ INPUT_DOMAIN: 'octo-sts.dev' }), new URL(fake.origin).host, 'never the hosted service\'s own');
  assert.equal(await audienceOf({ INPUT_AUDIENCE: 'chosen' }), 'chosen');
});

test('a success prints no claims, unless debug asks for them', async () => {
  assert.doesNotMatch((await runStep('main', jobOf(fake))).text, /repo:acme\/app:ref/);
  const { text } = await runStep('main', jobOf(fake, { INPUT_DEBUG: 'true' }));
  assert.match(text, /^::group::What the OIDC token of this job says\niss: .*\nsub: repo:acme\/app:ref:refs\/heads\/main\n/m);
  assert.match((await runStep('main', jobOf(fake, { RUNNER_DEBUG: '1' }))).text, /repo:acme\/app:ref/);
});

test('a token in hand takes less than two seconds', async () => {
  assert.ok((await runStep('main', jobOf(fake))).milliseconds < 2_000);
});
