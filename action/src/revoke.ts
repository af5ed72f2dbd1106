/** Ends a token at the GitHub that issued it. */

import { Failure } from './failure.js';
import type { Requests } from './request.js';

/** What became of the token. */
export type Revocation = 'revoked' | 'already ended';

export async function revoke(requests: Requests, apiUrl: string, token: string): Promise<Revocation> {
  const answer = await requests.ask({
    of: 'GitHub',
    url: `${apiUrl}/installation/token`,
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' },
  });
  if (answer.status === 204) return 'revoked';
  if (answer.status === 401) return 'already ended';
  throw new Failure('Token not revoked', `GitHub answered ${answer.status} to the revocation; the token ends by itself within the hour`);
}
