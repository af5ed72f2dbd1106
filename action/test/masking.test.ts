import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fake, GITHUB_TOKEN, refusal, REQUEST_TOKEN } from './fake.js';
import { jobOf, runStep, stateOf, type Outcome } from './run.js';

let fake: Fake;
before(async () => (fake = await Fake.start()));
after(() => fake.stop());

/** T-105: every secret stands in its mask command and nowhere else, in no encoding. */
function assertMasked({ text, summary }: Outcome, secrets: string[]): void {
  const masks = secrets.map((secret) => `::add-mask::${secret}`);
  const rest = text.split('\n').filter((line) => !masks.includes(line)).join('\n') + summary;
  for (const secret of secrets) {
    const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')];
    forms.forEach((form) => assert.ok(!rest.includes(form), `${form} is shown`));
  }
}

test('both tokens are masked before anything else is printed', async () => {
  const outcome = await runStep('main', jobOf(fake, { INPUT_DEBUG: 'true', INPUT_AUDIENCE: 'sts' }));
  assert.deepEqual(outcome.lines.slice(0, 2), [`::add-mask::${fake.bearer('sts')}`, `::add-mask::${GITHUB_TOKEN}`]);
  assertMasked(outcome, [fake.bearer('sts'), GITHUB_TOKEN]);
  assert.ok(!outcome.text.includes(REQUEST_TOKEN));
});

test('what was repeated on the way is told after the masks', async () => {
  fake.oidc.push({ status: 503 });
  fake.exchange.push({ status: 503 });
  const outcome = await runStep('main', jobOf(fake, { INPUT_DEBUG: 'true', INPUT_AUDIENCE: 'sts' }));
  assert.ok(outcome.lines.slice(0, 2).every((line) => line.startsWith('::add-mask::')));
  assert.match(outcome.text, /Octo STS answered 503; tried again after \d+ ms/);
});

test('a refusal shows the claims and not the token they come from', async () => {
  fake.exchange.push(refusal(403, 7, 'token does not match trust policy'));
  const outcome = await runStep('main', jobOf(fake, { INPUT_AUDIENCE: 'sts' }));
  assert.equal(outcome.lines[0], `::add-mask::${fake.bearer('sts')}`);
  assertMasked(outcome, [fake.bearer('sts')]);
});

test('the credentials that git gets are masked, too', async () => {
  const outcome = await runStep('main', jobOf(fake, { 'INPUT_CONFIGURE-GIT': 'true', INPUT_AUDIENCE: 'sts' }));
  const credentials = Buffer.from(`x-access-token:${GITHUB_TOKEN}`).toString('base64');
  assert.ok(outcome.lines.includes(`::add-mask::${credentials}`));
  assertMasked(outcome, [fake.bearer('sts'), GITHUB_TOKEN, credentials]);
  await runStep('post', stateOf(outcome));
});

test('the post step masks the token before it speaks', async () => {
  const outcome = await runStep('post', stateOf(await runStep('main', jobOf(fake))));
  assert.equal(outcome.lines[0], `::add-mask::${GITHUB_TOKEN}`);
  assertMasked(outcome, [GITHUB_TOKEN]);
});
