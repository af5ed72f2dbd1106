/** Requests with a deadline, repeated where repeating can help. */

import { Failure } from './failure.js';
import { printable } from './printable.js';

/** How long all that a step asks may take together, in milliseconds. */
export const PATIENCE = 30_000;
/** Longest wait for one answer, in milliseconds. The service gives itself ten seconds. */
const ANSWER_WITHIN = 15_000;
/** First and longest pause between two tries, in milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 8_000;
/** Longest answer that is read, in bytes. */
const LONGEST_ANSWER = 256 * 1024;

/** What a server cannot do at all (501, 505) it cannot do at the second try. */
const LASTING = new Set([501, 505]);

/** What TLS says of a server that a second try will not change. */
const UNTRUSTED = /^(ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA)/;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Question {
  /** Who is asked, in words. */
  readonly of: string;
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
}

/** The world outside, which tests replace. */
export interface Outside {
  fetch(url: string, init: RequestInit): Promise<Response>;
  sleep(milliseconds: number): Promise<void>;
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** From 0 up to 1. */
  random(): number;
}

export const OUTSIDE: Outside = {
  fetch: (url, init) => fetch(url, init),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  now: () => performance.now(),
  random: () => Math.random(),
};

export class Requests {
  private readonly deadline: number;
  /** What went wrong on the way, for those who debug. */
  readonly hitches: string[] = [];

  constructor(
    private readonly outside: Outside = OUTSIDE,
    patience: number = PATIENCE,
  ) {
    this.deadline = outside.now() + patience;
  }

  /**
   * The answer, whatever its status: a passing one is asked again until the deadline.
   *
   * A pause that `Retry-After` asks for and that reaches past the deadline is not begun.
   */
  async ask(question: Question): Promise<Answer> {
    for (let tries = 0; ; tries += 1) {
      const outcome = await this.once(question);
      const passing = outcome instanceof Failure ? outcome instanceof Unreachable && outcome.passing : isPassing(outcome.status);
      if (passing && (await this.paused(question, outcome, tries))) continue;
      if (outcome instanceof Failure) throw outcome;
      return outcome;
    }
  }

  private async once(question: Question): Promise<Answer | Failure> {
    const left = Math.max(1, Math.ceil(Math.min(ANSWER_WITHIN, this.deadline - this.outside.now())));
    try {
      const response = await this.outside.fetch(question.url, {
        method: question.method,
        headers: { accept: 'application/json', 'user-agent': `octo-sts-action/${VERSION}`, ...question.headers },
        redirect: 'manual',
        signal: AbortSignal.timeout(left),
      });
      return { status: response.status, headers: response.headers, text: await readText(response, question) };
    } catch (error) {
      return error instanceof Failure ? error : new Unreachable(question, error);
    }
  }

  private async paused(question: Question, outcome: Answer | Failure, tries: number): Promise<boolean> {
    const own = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries) * (0.5 + this.outside.random() / 2);
    // An answer may ask for longer; one that asks for none is not asked again without end.
    const pause = Math.max(own, askedPause(outcome) ?? 0);
    if (this.outside.now() + pause >= this.deadline) return false;
    const what = outcome instanceof Failure ? outcome.message : `${question.of} answered ${outcome.status}`;
    this.hitches.push(`${what}; tried again after ${Math.round(pause)} ms`);
    await this.outside.sleep(pause);
    return true;
  }
}

/** Whether the same request may succeed later. */
function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && !LASTING.has(status));
}

/** No answer came. */
export class Unreachable extends Failure {
  readonly passing: boolean;

  constructor(question: Question, error: unknown) {
    const { code, text, outside } = reason(error);
    const untrusted = UNTRUSTED.test(code);
    const host = new URL(question.url).host;
    super('No answer', `${question.of} at ${printable(host)} could not be reached: ${printable(text)}`, {
      advice: untrusted
        ? ['The server\'s certificate is not trusted. For a private certificate authority, set `NODE_EXTRA_CA_CERTS` on the runner.']
        : ['Is the host name right, and can this runner reach it? Behind a proxy, set `HTTPS_PROXY` on the runner or on the step.'],
    });
    this.passing = outside && !untrusted;
  }
}

/** What `fetch` says of a failure; one that comes from outside has a cause, or is a timeout. */
function reason(error: unknown): { code: string; text: string; outside: boolean } {
  if (!(error instanceof Error)) return { code: '', text: String(error), outside: false };
  if (error.name === 'TimeoutError') return { code: '', text: 'no answer in time', outside: true };
  const cause = error.cause instanceof Error ? error.cause : undefined;
  const code = cause && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return { code, text: cause?.message || code || error.message, outside: cause !== undefined };
}

async function readText(response: Response, question: Question): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > LONGEST_ANSWER) {
      throw new Failure('Odd answer', `${question.of} sent more than ${LONGEST_ANSWER} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `Retry-After` in milliseconds: seconds, or a date (RFC 9110 section 10.2.3). */
function askedPause(outcome: Answer | Failure): number | undefined {
  const value = outcome instanceof Failure ? null : outcome.headers.get('retry-after');
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
