import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Failure } from '../src/failure.js';
import { PATIENCE, Requests, type Outside, type Question } from '../src/request.js';
import { Fake } from './fake.js';
import { jobOf, runStep } from './run.js';

const QUESTION: Question = { of: 'Octo STS', url: 'https://sts.example.com/sts/exchange', method: 'POST', headers: {} };

/** A world whose time passes only in pauses, and whose answers are scripted; the last one stays. */
function world(...answers: (Error | (() => Response))[]): Outside & { asked: number; pauses: number[] } {
  let now = 0;
  const outside = {
    asked: 0,
    pauses: [] as number[],
    fetch: async () => {
      outside.asked += 1;
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      if (answer === undefined) throw new Error('nothing scripted');
      return answer();
    },
    sleep: async (milliseconds: number) => {
      outside.pauses.push(milliseconds);
      now += milliseconds;
    },
    now: () => now,
    random: () => 0.5,
  };
  return outside;
}

function answer(status: number, headers: Record<string, string> = {}): () => Response {
  return () => new Response('{}', { status, headers });
}

function broken(code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
}

for (const status of [408, 425, 429, 500, 502, 503, 504, 522]) {
  test(`${status} is asked again`, async () => {
    const outside = world(answer(status), answer(200));
    assert.equal((await new Requests(outside).ask(QUESTION)).status, 200);
    assert.equal(outside.asked, 2);
  });
}

for (const status of [200, 307, 400, 401, 403, 404, 409, 422, 501, 505]) {
  test(`${status} is the answer`, async () => {
    const outside = world(answer(status));
    assert.equal((await new Requests(outside).ask(QUESTION)).status, status);
    assert.equal(outside.asked, 1);
  });
}

for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET']) {
  test(`${code} is asked again`, async () => {
    const outside = world(broken(code), answer(200));
    assert.equal((await new Requests(outside).ask(QUESTION)).status, 200);
  });
}

test('a try without an answer in time is made again; what this side got wrong is not', async () => {
  const outside = world(new DOMException('timed out', 'TimeoutError'), answer(200));
  assert.equal((await new Requests(outside).ask(QUESTION)).status, 200);
  const own = world(new TypeError('invalid header'));
  await assert.rejects(new Requests(own).ask(QUESTION), /could not be reached: invalid header/);
  assert.equal(own.asked, 1);
});

for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE']) {
  test(`${code} stays as it is`, async () => {
    const outside = world(broken(code));
    await assert.rejects(new Requests(outside).ask(QUESTION), (error) => error instanceof Failure && /NODE_EXTRA_CA_CERTS/.test(error.advice.join()));
    assert.equal(outside.asked, 1);
  });
}

test('Retry-After is honoured, in seconds and as a date', async () => {
  const outside = world(answer(429, { 'retry-after': '7' }), answer(503, { 'retry-after': new Date(Date.now() + 5_000).toUTCString() }), answer(200));
  await new Requests(outside).ask(QUESTION);
  assert.equal(outside.pauses[0], 7_000);
  assert.ok((outside.pauses[1] ?? 0) > 3_000 && (outside.pauses[1] ?? 0) <= 5_000);
});

test('an answer that asks for no pause is not asked again without end', async () => {
  const outside = world(answer(429, { 'retry-after': '0' }));
  assert.equal((await new Requests(outside).ask(QUESTION)).status, 429);
  assert.deepEqual(outside.pauses.slice(0, 3), [187.5, 375, 750]);
});

test('a pause past the deadline is not begun: the answer is told at once', async () => {
  const outside = world(answer(429, { 'retry-after': '31' }));
  assert.equal((await new Requests(outside).ask(QUESTION)).status, 429);
  assert.deepEqual([outside.asked, outside.pauses], [1, []]);
});

test('pauses grow to eight seconds, and end at the deadline', async () => {
  const outside = world(answer(503));
  assert.equal((await new Requests(outside).ask(QUESTION)).status, 503);
  assert.deepEqual(outside.pauses.slice(0, 3), [187.5, 375, 750]);
  assert.ok(Math.max(...outside.pauses) <= 8_000);
  assert.ok(outside.now() < PATIENCE);
});

test('one deadline covers all requests of a step', async () => {
  const outside = world(answer(200));
  const requests = new Requests(outside);
  await outside.sleep(PATIENCE - 1);
  assert.equal((await requests.ask(QUESTION)).status, 200);
  const late = world(answer(503));
  const few = new Requests(late, 100);
  assert.equal((await few.ask(QUESTION)).status, 503);
  assert.equal(late.asked, 1);
});

test('a try is given whole milliseconds, however the clock ticks', async () => {
  const outside = world(answer(200));
  const requests = new Requests(outside, 1_000);
  await outside.sleep(0.3);
  assert.equal((await requests.ask(QUESTION)).status, 200);
});

test('an answer without end is cut', async () => {
  const outside = world(() => new Response('x'.repeat(300 * 1024)));
  await assert.rejects(new Requests(outside).ask(QUESTION), /more than 262144 bytes/);
  assert.equal(outside.asked, 1);
});

let fake: Fake;
before(async () => (fake = await Fake.start()));
after(() => fake.stop());
beforeEach(() => fake.seen.splice(0));

test('a service that comes back is enough', async () => {
  fake.exchange.push('reset', { status: 503 }, { status: 429, headers: { 'retry-after': '0' } });
  const { code } = await runStep('main', jobOf(fake));
  assert.equal(code, 0);
  assert.equal(fake.requests('/sts/exchange').length, 4);
});

test('the OIDC endpoint is asked again, too', async () => {
  fake.oidc.push({ status: 500 }, 'reset');
  assert.equal((await runStep('main', jobOf(fake))).code, 0);
  assert.equal(fake.requests('/oidc').length, 3);
});
