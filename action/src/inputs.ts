/** The inputs of the step, read once and checked. */

import { Failure } from './failure.js';
import { printable } from './printable.js';
import type { Environment } from './runner.js';

/** The hosted service that octo-sts/action asks where nothing else is said. */
const HOSTED = 'octo-sts.dev';

export interface Inputs {
  readonly scope: string;
  readonly identity: string;
  /** Where the service is, without a trailing slash. */
  readonly service: string;
  readonly audience: string;
  /** GitHub's API, without a trailing slash. */
  readonly apiUrl: string;
  readonly configureGit: boolean;
  readonly revoke: boolean;
  readonly debug: boolean;
}

export function readInputs(env: Environment): Inputs {
  const domain = input(env, 'domain') || HOSTED;
  checkDomain(domain);
  const baseUrl = input(env, 'base-url');
  const service = baseUrl ? serverUrl('base-url', baseUrl) : `https://${domain}`;
  return {
    scope: input(env, 'scope') || required('scope', env['GITHUB_REPOSITORY']),
    identity: required('identity', input(env, 'identity')),
    service,
    audience: input(env, 'audience') || defaultAudience(domain, baseUrl),
    apiUrl: serverUrl('api-url', input(env, 'api-url') || env['GITHUB_API_URL'] || 'https://api.github.com'),
    configureGit: flag(env, 'configure-git', false),
    revoke: flag(env, 'revoke', true),
    debug: flag(env, 'debug', false) || env['RUNNER_DEBUG'] === '1',
  };
}

/**
 * The domain of the service that is asked.
 *
 * A service at a URL of its own is never sent a token that is good for the hosted one.
 */
function defaultAudience(domain: string, baseUrl: string): string {
  return baseUrl && domain === HOSTED ? new URL(baseUrl).host : domain;
}

function input(env: Environment, name: string): string {
  return (env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
}

function required(name: string, value: string | undefined): string {
  if (value) return value;
  throw new Failure('Input missing', `the input \`${name}\` is missing`);
}

function flag(env: Environment, name: string, otherwise: boolean): boolean {
  const value = input(env, name);
  if (value === '') return otherwise;
  if (/^(true|True|TRUE)$/.test(value)) return true;
  if (/^(false|False|FALSE)$/.test(value)) return false;
  throw new Failure('Input not understood', `the input \`${name}\` is \`true\` or \`false\`, not \`${printable(value)}\``);
}

function checkDomain(domain: string): void {
  if (/^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(domain)) return;
  const sentence = `the input \`domain\` is a host name such as \`sts.example.com\`, not \`${printable(domain)}\``;
  throw new Failure('Input not understood', sentence, { advice: ['A whole URL goes into the input `base-url`.'] });
}

/** A URL that tokens may be sent to: over TLS, or to this very machine. */
function serverUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!url || !plain || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))) {
    throw new Failure('Input not understood', `the input \`${name}\` is an https:// URL, not \`${printable(text)}\``);
  }
  return url.href.replace(/\/+$/, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
