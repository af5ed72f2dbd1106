import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readInputs } from '../src/inputs.js';
import { html, printable } from '../src/printable.js';
import { ACTION } from './run.js';

const JOB = { INPUT_IDENTITY: 'deploy', GITHUB_REPOSITORY: 'acme/app' };

test('the inputs of octo-sts/action mean what they meant', () => {
  const inputs = readInputs({ INPUT_SCOPE: 'acme/lib', INPUT_IDENTITY: 'deploy', INPUT_DOMAIN: 'octo-sts.dev' });
  assert.deepEqual([inputs.scope, inputs.identity, inputs.service, inputs.audience], ['acme/lib', 'deploy', 'https://octo-sts.dev', 'octo-sts.dev']);
});

test('defaults', () => {
  assert.deepEqual(readInputs(JOB), {
    scope: 'acme/app',
    identity: 'deploy',
    service: 'https://octo-sts.dev',
    audience: 'octo-sts.dev',
    apiUrl: 'https://api.github.com',
    configureGit: false,
    revoke: true,
    debug: false,
  });
});

test('an input that is missing or not understood is named', () => {
  const rows: [Record<string, string>, RegExp][] = [
    [{ INPUT_IDENTITY: ' ' }, /`identity` is missing/],
    [{ GITHUB_REPOSITORY: '' }, /`scope` is missing/],
    [{ INPUT_REVOKE: 'no' }, /`revoke` is `true` or `false`, not `no`/],
    [{ 'INPUT_CONFIGURE-GIT': '1' }, /`configure-git`/],
    [{ INPUT_DEBUG: 'yes' }, /`debug`/],
    [{ INPUT_DOMAIN: 'https://sts.example.com' }, /`domain` is a host name/],
    [{ INPUT_DOMAIN: 'sts.example.com/path' }, /`domain`/],
    [{ INPUT_DOMAIN: 'user@evil.example' }, /`domain`/],
  ];
  for (const [changes, error] of rows) assert.throws(() => readInputs({ ...JOB, ...changes }), error, JSON.stringify(changes));
});

test('a token goes over TLS, or to this machine', () => {
  for (const url of ['https://sts.example.com', 'https://sts.example.com:8443/octo/', 'http://localhost:8080', 'http://127.0.0.1:1', 'http://[::1]:1']) {
    assert.equal(readInputs({ ...JOB, 'INPUT_BASE-URL': url }).service, url.replace(/\/$/, ''));
  }
  for (const url of ['http://sts.example.com', 'http://127.0.0.1.evil.example', 'ftp://sts', 'https://a:b@sts', 'https://sts?x', 'https://sts#x', 'sts.example.com', 'http://localhost.evil.example']) {
    assert.throws(() => readInputs({ ...JOB, 'INPUT_BASE-URL': url }), /`base-url` is an https:\/\/ URL/, url);
    assert.throws(() => readInputs({ ...JOB, 'INPUT_API-URL': url }), /`api-url` is an https:\/\/ URL/, url);
  }
});

test('every input that is read is declared, and every one declared is read', () => {
  const declared = readFileSync(join(ACTION, 'action.yml'), 'utf8').split(/^outputs:/m)[0] ?? '';
  const names = [...declared.matchAll(/^ {2}([a-z-]+):$/gm)].map((match) => match[1]);
  assert.deepEqual(names, ['scope', 'identity', 'domain', 'base-url', 'audience', 'api-url', 'configure-git', 'revoke', 'debug']);
  const source = readFileSync(join(ACTION, 'src', 'inputs.ts'), 'utf8');
  for (const name of names) assert.ok(source.includes(`'${name}'`), name);
});

/** T-104 */
test('text of others is one line that commands nothing', () => {
  assert.equal(printable('a\nb\u001b[31m\u202e\u200b'), 'a\\u{a}b\\u{1b}[31m\\u{202e}\\u{200b}');
  assert.equal(printable(' ::error::x'), '\\ ::error::x');
  assert.equal(printable('x ##[set-env]'), 'x #\\#[set-env]');
  assert.equal(printable('repo:o/r:ref:refs/heads/größe::x'), 'repo:o/r:ref:refs/heads/größe::x');
  assert.equal(printable('x'.repeat(3_000)).length, 2_001);
  assert.equal(html('<a href="x">&'), '&lt;a href=&quot;x&quot;&gt;&amp;');
});
