import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gitServer } from '../src/hosts.js';
import { readInputs } from '../src/inputs.js';

test('git talks to the server behind the API', () => {
  const rows: [string, string][] = [
    ['https://api.github.com', 'https://github.com/'],
    ['https://api.acme.ghe.com', 'https://acme.ghe.com/'],
    ['https://github.acme.example/api/v3', 'https://github.acme.example/'],
    ['https://api.acme.example:8443/api/v3', 'https://api.acme.example:8443/'],
    ['https://api.a.b.ghe.com.evil.example', 'https://api.a.b.ghe.com.evil.example/'],
  ];
  for (const [api, server] of rows) assert.equal(gitServer(api, {}), server, api);
});

test('the runner\'s own server is believed for its own API alone', () => {
  const env = { GITHUB_API_URL: 'https://ghes.example/api/v3', GITHUB_SERVER_URL: 'https://www.ghes.example' };
  assert.equal(gitServer('https://ghes.example/api/v3', env), 'https://www.ghes.example/');
  assert.equal(gitServer('https://api.github.com', env), 'https://github.com/');
});

test('the API is the one of the server that runs the workflow', () => {
  const env = { INPUT_IDENTITY: 'x', GITHUB_REPOSITORY: 'a/b', GITHUB_API_URL: 'https://api.acme.ghe.com' };
  assert.equal(readInputs(env).apiUrl, 'https://api.acme.ghe.com');
  assert.equal(readInputs({ ...env, 'INPUT_API-URL': 'https://ghes.example/api/v3/' }).apiUrl, 'https://ghes.example/api/v3');
  assert.equal(readInputs({ ...env, GITHUB_API_URL: undefined }).apiUrl, 'https://api.github.com');
});
