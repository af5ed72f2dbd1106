/** The OIDC token of this job, from GitHub's own endpoint. */

import { Failure } from './failure.js';
import { printable } from './printable.js';
import type { Requests } from './request.js';
import type { Environment } from './runner.js';

const MISSING = {
  advice: [
    'Add these lines to the job, or to the workflow above `jobs:`.\n\n    permissions:\n      contents: read\n      id-token: write\n',
    'In a reusable workflow, the job that calls it needs them, too.',
    'A run for a pull request from a fork never gets an OIDC token.',
  ],
  summary: true,
};

export async function fetchIdToken(requests: Requests, env: Environment, audience: string): Promise<string> {
  const endpoint = env['ACTIONS_ID_TOKEN_REQUEST_URL'];
  const bearer = env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
  if (!endpoint || !bearer) {
    throw new Failure('Permission id-token: write is missing', 'this job may not ask GitHub for an OIDC token: it lacks the permission `id-token: write`', MISSING);
  }
  const url = new URL(endpoint);
  url.searchParams.set('audience', audience);
  const answer = await requests.ask({
    of: 'GitHub\'s OIDC endpoint',
    url: url.href,
    method: 'GET',
    headers: { authorization: `Bearer ${bearer}` },
  });
  return tokenOf(answer.text) ?? refused(answer.status, answer.headers.get('x-request-id'));
}

function tokenOf(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const value = typeof answer === 'object' && answer !== null && 'value' in answer ? answer.value : undefined;
    return typeof value === 'string' && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refused(status: number, requestId: string | null): never {
  throw new Failure('No OIDC token', `GitHub's OIDC endpoint answered ${status} without a token`, {
    advice: ['Run the job again; if it happens again, look at https://www.githubstatus.com.'],
    facts: requestId ? [['request id', printable(requestId)]] : [],
  });
}
