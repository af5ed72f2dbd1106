/** The exchange: this job's OIDC token for a GitHub token. */

import { createHash } from 'node:crypto';
import { Failure } from './failure.js';
import type { Inputs } from './inputs.js';
import { explain } from './refusal.js';
import type { Answer, Requests } from './request.js';

export interface Delivery {
  readonly token: string;
  /** RFC 3339; empty where the service does not say. */
  readonly expiresAt: string;
  /** Name to level. */
  readonly permissions: Readonly<Record<string, string>> | undefined;
  readonly repositories: readonly string[] | undefined;
  readonly requestId: string;
}

export async function exchange(requests: Requests, inputs: Inputs, bearer: string): Promise<Delivery> {
  const { scope, identity } = inputs;
  const query = new URLSearchParams({ scope, scopes: scope, identity });
  const answer = await requests.ask({
    of: 'Octo STS',
    url: `${inputs.service}/sts/exchange?${query}`,
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}` },
  });
  const body = readObject(answer.text);
  if (answer.status !== 200) throw explain(answer, body, inputs, bearer);
  return readDelivery(body, answer);
}

/** SHA-256 in hexadecimal: names a token without giving it away. */
export function fingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function readDelivery(body: Readonly<Record<string, unknown>>, answer: Answer): Delivery {
  const token = body['token'];
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new Failure('Odd answer', 'the service answered 200 without a token: is this an Octo STS service?', {
      advice: ['Look at the inputs `domain` and `base-url`.'],
    });
  }
  return {
    token,
    expiresAt: readTime(body['expiry']),
    permissions: readLevels(body['permissions']),
    repositories: readNames(body['repositories']),
    requestId: answer.headers.get('x-request-id') ?? '',
  };
}

function readTime(value: unknown): string {
  return typeof value === 'string' && /^[\d\-T:.Z+]+$/.test(value) && !Number.isNaN(Date.parse(value)) ? value : '';
}

function readLevels(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const levels = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return levels.length > 0 ? Object.fromEntries(levels) : undefined;
}

function readNames(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const names = value.filter((name): name is string => typeof name === 'string');
  return names.length > 0 ? names : undefined;
}
