/**
 * Proxies, as runners name them: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in either case.
 *
 * Node heeds them where `NODE_USE_ENV_PROXY` is set when a process begins (Node 22.21, 24 and later), so a step that has a proxy begins once more.
 */

import { spawn } from 'node:child_process';
import type { Environment } from './runner.js';

const NAMES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

/** Whether there is a proxy that this process does not heed. Somebody who has set the variable himself has decided. */
export function isPastProxy(env: Environment): boolean {
  return env['NODE_USE_ENV_PROXY'] === undefined && NAMES.some((name) => (env[name] ?? '') !== '');
}

/** Runs a step: in this process, or in one that goes through the proxy. */
export function run(env: Environment, step: () => Promise<unknown>): void {
  if (!isPastProxy(env)) {
    void step();
    return;
  }
  const [program = process.execPath, ...rest] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(program, rest, { env: { ...env, NODE_USE_ENV_PROXY: '1' }, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', () => void step());
  child.on('exit', (code) => (process.exitCode = code ?? 1));
}
