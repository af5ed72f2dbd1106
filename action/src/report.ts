/** What a person reads: in the log, and on the page of the run. */

import { claimLines, type Claims } from './claims.js';
import type { Delivery } from './exchange.js';
import { Failure } from './failure.js';
import type { Inputs } from './inputs.js';
import { html, printable } from './printable.js';
import type { Runner } from './runner.js';

const CLAIMS = 'What the OIDC token of this job says';

export function reportSuccess(runner: Runner, inputs: Inputs, delivery: Delivery, sha256: string): void {
  const levels = Object.entries(delivery.permissions ?? {}).map(([name, level]) => `${name}: ${level}`);
  runner.say(printable(`Got a token for ${inputs.scope} as ${inputs.identity}`));
  if (levels.length > 0) runner.say(printable(`  permissions   ${levels.join(', ')}`));
  if (delivery.repositories) runner.say(printable(`  repositories  ${delivery.repositories.join(', ')}`));
  if (delivery.expiresAt) runner.say(`  expires at    ${delivery.expiresAt}`);
  runner.say(`  SHA-256       ${sha256}`);
  if (delivery.requestId) runner.say(printable(`  request id    ${delivery.requestId}`));
}

export function reportDetails(runner: Runner, claims: Claims, hitches: readonly string[]): void {
  const lines = claimLines(claims);
  if (lines.length > 0) runner.group(CLAIMS, lines);
  if (hitches.length > 0) runner.group('Requests that were repeated', hitches.map(printable));
}

/** The claims of a job that got as far as having some come first, folded; the reason is the last thing in the log. */
export function reportFailure(runner: Runner, error: unknown, claims: Claims, hitches: readonly string[]): void {
  const failure = error instanceof Failure ? error : new Failure('Unexpected', printable(error instanceof Error ? error.message : String(error)));
  reportDetails(runner, claims, hitches);
  const facts = failure.facts.map(([name, value]) => `${name}: ${value}`);
  runner.annotate('error', `Octo STS: ${failure.title}`, [capital(failure.message), '', ...failure.advice, '', ...facts]);
  if (failure.summary) runner.summarize(summary(failure, claimLines(claims)));
}

function summary(failure: Failure, claims: readonly string[]): string {
  const facts = failure.facts.map(([name, value]) => `<li>${html(name)}: <code>${html(value)}</code></li>`);
  const folded = claims.length > 0 ? `<details><summary>${CLAIMS}</summary><pre>${claims.map(html).join('\n')}</pre></details>` : '';
  return [
    `### Octo STS: ${failure.title}\n`,
    `<blockquote>${code(html(capital(failure.message)))}</blockquote>\n`,
    ...failure.advice.map(paragraph),
    `<ul>${facts.join('')}</ul>`,
    folded,
  ].join('\n');
}

/** Advice is a sentence, or a sentence and lines to paste. */
function paragraph(advice: string): string {
  const [sentence = '', ...rest] = advice.split('\n\n');
  const lines = rest.join('\n\n').replace(/^ {4}/gm, '').trimEnd();
  return `<p>${code(html(sentence))}</p>${lines ? `\n<pre>${lines.split('\n').map(html).join('\n')}</pre>` : ''}`;
}

/** Markdown's backticks mean nothing between HTML tags. */
function code(escaped: string): string {
  return escaped.replace(/`([^`]+)`/g, '<code>$1</code>');
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
