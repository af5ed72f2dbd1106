/** Credentials for git: in a file that the job's git includes, gone when the job ends. */

import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Runner } from './runner.js';

/**
 * Lets git send the token to one server for the rest of the job; returns the file.
 *
 * Git reads its environment last, so the file's first line clears what a checkout has left: GitHub refuses a request with two
 * `Authorization` headers. The environment holds the file's path alone, and no command line holds the token.
 */
export function configureGit(runner: Runner, server: string, token: string): string {
  const credentials = Buffer.from(`x-access-token:${token}`).toString('base64');
  runner.mask(credentials);
  const file = join(runner.env['RUNNER_TEMP'] || tmpdir(), `octo-sts-${randomUUID()}.gitconfig`);
  const lines = [`[http "${server}"]`, '\textraheader =', `\textraheader = AUTHORIZATION: basic ${credentials}`, ''];
  writeFileSync(file, lines.join('\n'), { mode: 0o600, flag: 'wx' });
  include(runner, file);
  return file;
}

/** Adds to the entries that earlier steps have put there. */
function include(runner: Runner, file: string): void {
  const count = Number.parseInt(runner.env['GIT_CONFIG_COUNT'] ?? '0', 10) || 0;
  runner.export(`GIT_CONFIG_KEY_${count}`, 'include.path');
  runner.export(`GIT_CONFIG_VALUE_${count}`, file);
  runner.export('GIT_CONFIG_COUNT', String(count + 1));
}

/** Git passes over an include whose file is gone. */
export function forgetGit(file: string): void {
  rmSync(file, { force: true });
}
