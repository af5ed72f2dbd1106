// The two steps of octo-sts/action, request by request: what existing workflows send, and what they do with the answers.
// STS_URL and GITHUB_API stand for https://DOMAIN and https://api.github.com.
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';

const env = process.env;

function fail(sentence) {
  console.log(`::error::${sentence}`);
  process.exit(1);
}

async function main() {
  const { INPUT_SCOPE: scope, INPUT_IDENTITY: identity, INPUT_DOMAIN: domain } = env;
  const asked = await fetch(`${env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=${domain}`, {
    headers: { Authorization: `Bearer ${env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}` },
  });
  const { value } = await asked.json();
  const answer = await fetch(`${env.STS_URL}/sts/exchange?scope=${scope}&scopes=${scope}&identity=${identity}`, {
    headers: { Authorization: `Bearer ${value}` },
  });
  const { token, message } = await answer.json();
  if (!token) fail(message);
  console.log(`::add-mask::${token}`);
  console.log(`SHA-256: ${createHash('sha256').update(token).digest('hex')}`);
  appendFileSync(env.GITHUB_OUTPUT, `token=${token}\n`);
  appendFileSync(env.GITHUB_STATE, `token=${token}\n`);
}

async function post() {
  const answer = await fetch(`${env.GITHUB_API}/installation/token`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${env.STATE_token}`, Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' },
  });
  if (answer.status !== 204) fail(`${answer.status}`);
}

await (process.argv[2] === 'post' ? post() : main());
