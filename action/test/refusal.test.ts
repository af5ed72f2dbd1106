import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Fake, refusal } from './fake.js';
import { jobOf, runStep, type Outcome } from './run.js';

let fake: Fake;
before(async () => (fake = await Fake.start()));
after(() => fake.stop());
beforeEach(() => fake.seen.splice(0));

async function refused(...answer: Parameters<typeof refusal>): Promise<Outcome> {
  fake.exchange.push(refusal(...answer));
  return runStep('main', jobOf(fake));
}

/** The text of the error, as the runner shows it. */
function errorOf({ lines }: Outcome): string {
  const line = lines.find((each) => each.startsWith('::error ')) ?? '';
  return line.replace(/^::error title=[^:]*::/, '').replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');
}

/** HTTP status, code, the service's sentence, and what the advice must say. */
const REFUSALS: [number, number, string, RegExp][] = [
  [400, 3, 'invalid issuer in token', /Look at the inputs/],
  [400, 3, 'invalid scope: a scope is `OWNER` or `OWNER/REPOSITORY`', /A scope is `OWNER\/REPOSITORY`/],
  [400, 3, 'invalid identity: it begins with a dot', /name of a policy file/],
  [400, 3, 'scope must be provided', /A scope is `OWNER\/REPOSITORY`/],
  [400, 3, 'identity must be provided', /name of a policy file without `\.sts\.yaml`/],
  [400, 3, 'multiple scopes not supported', /Give one scope/],
  [400, 3, 'unable to fetch or create the provider', /`STS_PRIVATE_ISSUERS`/],
  [400, 9, 'organization trusted-issuer configuration is invalid', /trusted-token-issuers\.yaml/],
  [401, 16, 'unable to verify bearer token', /expired/],
  [401, 16, 'expected exactly one authorization header', /input `domain`/],
  [403, 7, 'token does not match trust policy', /subject: "repo:acme\/app:ref:refs\/heads\/main"/],
  [403, 7, 'issuer not permitted by organization policy', /admits only listed issuers/],
  [403, 7, 'token exchange failure (StatusUnprocessableEntity)', /lacks one of its permissions/],
  [403, 7, 'failed to get token: GitHub forbids it', /lacks one of its permissions/],
  [403, 7, 'unable to read trust policy found for "deploy"', /does not let the App read/],
  [404, 5, 'unable to read trust policy found for "deploy"', /a plain text file/],
  [404, 5, 'unable to find trust policy for "deploy"', /`\.github\/chainguard\/deploy\.sts\.yaml` in `acme\/app`/],
  [404, 5, 'unable to parse trust policy found for "deploy"', /`octo-sts policy check`/],
  [404, 5, 'unable to compile trust policy found for "deploy"', /`Trust Policy Validation`/],
  [404, 5, 'no installation found for "acme"', /Install the service's GitHub App on `acme`/],
  [404, 5, 'no GitHub App configured for org "acme"', /ask those who run it/],
];

for (const [status, code, message, advice] of REFUSALS) {
  test(`${status}, ${message}: told with what to do, at once and without a second try`, async () => {
    const outcome = await refused(status, code, message);
    assert.equal(outcome.code, 1);
    assert.ok(errorOf(outcome).toLowerCase().startsWith(message.toLowerCase()), errorOf(outcome));
    assert.match(errorOf(outcome), advice);
    assert.match(errorOf(outcome), /^request id: req-4711$/m);
    assert.equal(fake.requests('/sts/exchange').length, 1);
    assert.ok(outcome.milliseconds < 2_000);
    assert.deepEqual([outcome.outputs, outcome.state], [{}, {}]);
  });
}

test('the claims are in a collapsed group, before the reason', async () => {
  const { lines } = await refused(403, 7, 'token does not match trust policy');
  const group = lines.findIndex((line) => line.startsWith('::group::What the OIDC token'));
  const end = lines.indexOf('::endgroup::');
  assert.ok(lines.slice(group, end).includes('sub: repo:acme/app:ref:refs/heads/main'));
  assert.ok(lines.findIndex((line) => line.startsWith('::error ')) > end);
});

test('immutable subjects are pointed out', async () => {
  const before = fake.claims;
  fake.claims = { ...before, sub: 'repo:acme@9919/app@1296269:ref:refs/heads/main' };
  const outcome = await refused(403, 7, 'token does not match trust policy');
  fake.claims = before;
  assert.match(errorOf(outcome), /immutable subjects/);
  assert.doesNotMatch(errorOf(await refused(403, 7, 'token does not match trust policy')), /immutable subjects/);
});

test('the organisation\'s policy repository is named for a scope without a repository', async () => {
  fake.exchange.push(refusal(404, 5, 'unable to find trust policy for "deploy"'));
  const outcome = await runStep('main', jobOf(fake, { INPUT_SCOPE: 'acme' }));
  assert.match(errorOf(outcome), /in `acme\/\.github`/);
});

test('the stable word of the service is shown', async () => {
  const outcome = await refused(403, 7, 'token does not match trust policy', { details: [{ reason: 'POLICY_MISMATCH', metadata: {} }] });
  assert.match(errorOf(outcome), /^reason: POLICY_MISMATCH$/m);
});

test('the stable word decides the advice where it is there', async () => {
  const suspended = { details: [{ reason: 'INSTALLATION_SUSPENDED' }] };
  assert.match(errorOf(await refused(403, 7, 'the installation is suspended', suspended)), /has suspended the GitHub App/);
  const unknown = { details: [{ reason: 'constructor' }] };
  assert.match(errorOf(await refused(403, 7, 'something new', unknown)), /Compare `\.github/);
});

test('a limit that lasts longer than the deadline is told at once, with the time to wait', async () => {
  fake.exchange.push({ status: 429, headers: { 'retry-after': '3600' }, body: { code: 8, message: 'GitHub API rate limit exceeded for "deploy"', details: [] } });
  const outcome = await runStep('main', jobOf(fake));
  assert.match(errorOf(outcome), /^try again after: 3600$/m);
  assert.ok(outcome.milliseconds < 2_000);
});

test('the page of the run shows sentence, advice and claims, and nothing as markup', async () => {
  const before = fake.claims;
  fake.claims = { ...before, head_ref: '</pre><img src=x onerror=alert(1)>' };
  const { summary } = await refused(403, 7, 'token does not match trust policy <script>alert(1)</script>');
  fake.claims = before;
  assert.match(summary, /^### Octo STS: Token refused \(403\)$/m);
  assert.match(summary, /<code>req-4711<\/code>/);
  assert.match(summary, /<details><summary>.*sub: repo:acme\/app/s);
  assert.doesNotMatch(summary, /<script|<img/);
});

/** T-104 */
test('nothing that others say becomes a command of the runner', async () => {
  const before = fake.claims;
  fake.claims = { ...before, '::set-output name=token::evil': 'x', head_ref: 'a\n::add-mask::b\r\n##[set-env name=PATH;]evil\u202e' };
  fake.exchange.push({ status: 403, headers: { 'x-request-id': '##[set-env name=A;]b' }, body: { code: 7, message: 'no\n::set-env name=PATH::evil\n##[warning]x', details: [] } });
  const { lines } = await runStep('main', jobOf(fake));
  fake.claims = before;
  const commands = lines.filter((line) => /^\s*::|##\[/.test(line)).map((line) => line.replace(/[ :].*/, '') || line.split(/[ :]+/)[1]);
  assert.deepEqual(commands, ['add-mask', 'group', 'endgroup', 'error']);
  assert.ok(lines.some((line) => line.includes('head_ref: a\\u{a}::add-mask::b')));
});

test('an answer that is no service\'s is called so', async () => {
  fake.exchange.push({ status: 404, body: '<html>nginx</html>' });
  assert.match(errorOf(await runStep('main', jobOf(fake))), /answered 404 and said nothing more\n\nLook at the inputs `domain` and `base-url`/);
  fake.exchange.push({ status: 200, body: '<html>portal</html>' });
  const outcome = await runStep('main', jobOf(fake));
  assert.equal(outcome.code, 1);
  assert.match(errorOf(outcome), /without a token: is this an Octo STS service\?/);
});

test('a redirect is not followed with a token', async () => {
  fake.exchange.push({ status: 307, headers: { location: `${fake.origin}/elsewhere` } });
  const outcome = await runStep('main', jobOf(fake));
  assert.match(errorOf(outcome), /is not followed/);
  assert.equal(fake.requests('/elsewhere').length, 0);
});
