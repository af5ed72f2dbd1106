/** GitHub's OIDC endpoint, an Octo STS service, GitHub's API and a git server, on one port of this machine. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the OIDC endpoint wants to see. */
export const REQUEST_TOKEN = 'runner-request-token';
/** What the service hands out where nothing else is scripted. */
export const GITHUB_TOKEN = 'ghs_16C7e42F292c6912E7710c838347Ae178B4a';

export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly authorization: string[];
}

/** One scripted answer; `reset` closes the connection instead. */
export type Scripted = 'reset' | { status: number; headers?: Record<string, string>; body?: unknown };

export class Fake {
  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => this.answer(request, response));
  }

  readonly seen: Seen[] = [];
  /** Answers to come, first to last; after them the good one. */
  readonly oidc: Scripted[] = [];
  readonly exchange: Scripted[] = [];
  readonly revocation: Scripted[] = [];
  claims: Record<string, unknown> = { iss: 'https://token.actions.githubusercontent.com', sub: 'repo:acme/app:ref:refs/heads/main' };

  static async start(): Promise<Fake> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Fake(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The OIDC token for an audience: shaped like a JWT, signed by nobody. */
  bearer(audience: string): string {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ ...this.claims, aud: audience })}.c2lnbmF0dXJl`;
  }

  requests(path: string): Seen[] {
    return this.seen.filter(({ url }) => url.pathname === path);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.origin);
    const authorization = request.headersDistinct['authorization'] ?? [];
    this.seen.push({ method: request.method ?? '', url, authorization });
    const scripted = this.scripted(url, authorization);
    if (scripted === 'reset') return void request.socket.destroy();
    response.writeHead(scripted.status, { 'x-request-id': 'req-4711', ...scripted.headers });
    response.end(typeof scripted.body === 'string' ? scripted.body : JSON.stringify(scripted.body ?? {}));
  }

  private scripted(url: URL, authorization: string[]): Scripted {
    switch (url.pathname) {
      case '/oidc':
        return this.oidc.shift() ?? this.idToken(url, authorization);
      case '/sts/exchange':
        return this.exchange.shift() ?? { status: 200, body: delivery() };
      case '/api/v3/installation/token':
        return this.revocation.shift() ?? { status: 204, body: '' };
      default:
        return { status: 404, body: { message: 'Not Found' } };
    }
  }

  private idToken(url: URL, authorization: string[]): Scripted {
    if (authorization[0] !== `Bearer ${REQUEST_TOKEN}`) return { status: 401, body: { message: 'unauthorized' } };
    return { status: 200, body: { value: this.bearer(url.searchParams.get('audience') ?? '') } };
  }
}

/** The service's reply to an exchange that succeeds. */
export function delivery(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    token: GITHUB_TOKEN,
    refreshToken: '',
    expiry: '2026-11-25T03:00:00Z',
    access_token: GITHUB_TOKEN,
    token_type: 'Bearer',
    expires_in: 3600,
    permissions: { contents: 'read', issues: 'write' },
    repositories: ['acme/app'],
    repository_selection: 'selected',
    ...changes,
  };
}

/** The service's answer to an exchange that is refused. */
export function refusal(status: number, code: number, message: string, changes: Record<string, unknown> = {}): Scripted {
  return { status, body: { code, message, details: [], ...changes } };
}
