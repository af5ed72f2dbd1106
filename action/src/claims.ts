/** The claims of this job's own OIDC token, for its own log. Nothing is decided by them. */

import { printable } from './printable.js';

export type Claims = Readonly<Record<string, unknown>>;

/** Nothing where the text is not a JWT. */
export function readClaims(token: string): Claims {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Claims) : {};
  } catch {
    return {};
  }
}

/** A claim whose value is text. */
export function textClaim(claims: Claims, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' ? value : undefined;
}

/** One printable line per claim. */
export function claimLines(claims: Claims): string[] {
  return Object.entries(claims).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return printable(`${name}: ${text}`);
  });
}
