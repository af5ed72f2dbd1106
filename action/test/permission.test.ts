import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fake } from './fake.js';
import { jobOf, runStep } from './run.js';

let fake: Fake;
before(async () => (fake = await Fake.start()));
after(() => fake.stop());

for (const variable of ['ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN']) {
  test(`without ${variable} the missing permission is named, with the lines to paste`, async () => {
    const { code, text, summary, milliseconds } = await runStep('main', jobOf(fake, { [variable]: undefined }));
    assert.equal(code, 1);
    assert.match(text, /::error title=Octo STS%3A Permission id-token%3A write is missing::/);
    assert.match(text, /%0A {4}permissions:%0A {6}contents: read%0A {6}id-token: write%0A/);
    assert.match(summary, /<pre>permissions:\n {2}contents: read\n {2}id-token: write<\/pre>/);
    assert.ok(milliseconds < 2_000);
    assert.equal(fake.seen.length, 0);
  });
}

test('an OIDC endpoint that refuses is told from a service that refuses', async () => {
  const { code, text } = await runStep('main', jobOf(fake, { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'expired' }));
  assert.equal(code, 1);
  assert.match(text, /GitHub's OIDC endpoint answered 401 without a token/);
  assert.match(text, /request id: req-4711/);
  assert.equal(fake.requests('/sts/exchange').length, 0);
});
