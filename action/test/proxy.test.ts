import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { isPastProxy } from '../src/proxy.js';
import { Fake, GITHUB_TOKEN } from './fake.js';
import { jobOf, runStep, stateOf } from './run.js';

/** A proxy that takes every name for this machine, and remembers whom it was asked for. */
class Proxy {
  readonly asked: string[] = [];
  private constructor(private readonly server: Server) {
    server.on('connect', (request, socket) => {
      this.asked.push(request.url ?? '');
      const upstream = connect(Number(request.url?.split(':').pop()), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    server.on('request', (request, response) => {
      this.asked.push(new URL(request.url ?? '').host);
      response.writeHead(502).end();
    });
  }

  static async start(): Promise<Proxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Proxy(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Node 20 knows of no proxies, and cannot be taught. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const able = major >= 24 || (major === 22 && minor >= 21);

let fake: Fake;
let proxy: Proxy;
before(async () => ([fake, proxy] = await Promise.all([Fake.start(), Proxy.start()])));
after(() => Promise.all([fake.stop(), proxy.stop()]));
beforeEach(() => [fake.seen, proxy.asked].forEach((list) => list.splice(0)));

test('both steps go through the proxy of the runner, where Node can', async () => {
  for (const name of ['HTTP_PROXY', 'http_proxy']) {
    proxy.asked.splice(0);
    const job = jobOf(fake, { [name]: proxy.origin, HTTPS_PROXY: proxy.origin });
    const outcome = await runStep('main', job);
    assert.equal(outcome.code, 0, outcome.text);
    assert.equal(outcome.outputs['token'], GITHUB_TOKEN);
    const ended = await runStep('post', { ...job, ...stateOf(outcome) });
    assert.match(ended.text, /The token is revoked/);
    const host = new URL(fake.origin).host;
    assert.equal(proxy.asked.length >= 2 && proxy.asked.every((asked) => asked === host), able, `${name}: ${proxy.asked.join(' ')}`);
  }
});

test('hosts that need no proxy are reached without', async () => {
  for (const name of ['NO_PROXY', 'no_proxy']) {
    const outcome = await runStep('main', jobOf(fake, { HTTP_PROXY: proxy.origin, [name]: 'other.example,127.0.0.1' }));
    assert.equal(outcome.code, 0, outcome.text);
    assert.deepEqual(proxy.asked, [], name);
  }
});

test('a refusal behind a proxy fails the step as it does elsewhere', async () => {
  fake.exchange.push({ status: 403, body: { code: 7, message: 'token does not match trust policy' } });
  const outcome = await runStep('main', jobOf(fake, { HTTP_PROXY: proxy.origin }));
  assert.equal(outcome.code, 1);
  assert.match(outcome.text, /Token does not match trust policy/);
});

test('a step begins once more for a proxy alone, and never twice', () => {
  assert.equal(isPastProxy({}), false);
  assert.equal(isPastProxy({ HTTPS_PROXY: '', https_proxy: '' }), false);
  assert.equal(isPastProxy({ NO_PROXY: 'x' }), false);
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']) {
    assert.equal(isPastProxy({ [name]: 'http://proxy:3128' }), true);
    for (const set of ['0', '1', '']) assert.equal(isPastProxy({ [name]: 'http://proxy:3128', NODE_USE_ENV_PROXY: set }), false);
  }
});
