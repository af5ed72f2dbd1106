/** Which server keeps the repositories behind a GitHub API. */

import type { Environment } from './runner.js';

/**
 * The server that git talks to, with a trailing slash.
 *
 * `api.github.com` and `api.NAME.ghe.com` are hosts of their own; GitHub Enterprise Server has its API under `/api/v3`.
 */
export function gitServer(apiUrl: string, env: Environment): string {
  const own = env['GITHUB_SERVER_URL'];
  if (own && apiUrl === (env['GITHUB_API_URL'] ?? '').replace(/\/+$/, '')) return `${new URL(own).origin}/`;
  const url = new URL(apiUrl);
  const apart = url.hostname === 'api.github.com' || /^api\.[^.]+\.ghe\.com$/.test(url.hostname);
  return `${url.protocol}//${apart ? url.host.slice('api.'.length) : url.host}/`;
}
