/** The two steps of the action, without the process around them. */

import { readClaims } from './claims.js';
import { exchange, fingerprint, type Delivery } from './exchange.js';
import { Failure } from './failure.js';
import { configureGit, forgetGit } from './git.js';
import { gitServer } from './hosts.js';
import { fetchIdToken } from './idtoken.js';
import { readInputs, type Inputs } from './inputs.js';
import { reportDetails, reportFailure, reportSuccess } from './report.js';
import { Requests } from './request.js';
import { revoke } from './revoke.js';
import type { Runner } from './runner.js';

/** Gets the token. Nothing is printed before both tokens are masked. */
export async function main(runner: Runner, requests: Requests = new Requests()): Promise<boolean> {
  let bearer = '';
  try {
    const inputs = readInputs(runner.env);
    bearer = await fetchIdToken(requests, runner.env, inputs.audience);
    runner.mask(bearer);
    const delivery = await exchange(requests, inputs, bearer);
    runner.mask(delivery.token);
    deliver(runner, inputs, delivery);
    if (inputs.debug) reportDetails(runner, readClaims(bearer), requests.hitches);
    return true;
  } catch (error) {
    reportFailure(runner, error, readClaims(bearer), requests.hitches);
    return false;
  }
}

/** What the post step needs is kept first: a failure after that leaves no token behind. */
function deliver(runner: Runner, inputs: Inputs, delivery: Delivery): void {
  const { token, permissions, repositories } = delivery;
  if (inputs.revoke) {
    runner.keep('token', token);
    runner.keep('api-url', inputs.apiUrl);
  }
  if (inputs.configureGit) runner.keep('git-config', configureGit(runner, gitServer(inputs.apiUrl, runner.env), token));
  const sha256 = fingerprint(token);
  runner.output('token', token);
  runner.output('expires-at', delivery.expiresAt);
  runner.output('permissions', permissions ? JSON.stringify(permissions) : '');
  runner.output('repositories', repositories ? JSON.stringify(repositories) : '');
  runner.output('token-sha256', sha256);
  reportSuccess(runner, inputs, delivery, sha256);
}

/** Takes everything back. A token that could not be revoked is a warning: the job's own work is done, and the token ends within the hour. */
export async function post(runner: Runner, requests: Requests = new Requests()): Promise<void> {
  const token = runner.env['STATE_token'];
  const apiUrl = runner.env['STATE_api-url'];
  const gitConfig = runner.env['STATE_git-config'];
  if (token) runner.mask(token);
  if (gitConfig) forgetGit(gitConfig);
  if (!token || !apiUrl) return;
  try {
    const outcome = await revoke(requests, apiUrl, token);
    runner.say(outcome === 'revoked' ? 'The token is revoked' : 'The token had already ended');
  } catch (error) {
    runner.annotate('warning', 'Octo STS: Token not revoked', [error instanceof Failure ? error.message : 'unexpected error']);
  }
}
