/** A refusal, told so that its reader knows what to do next. */

import { readClaims, textClaim, type Claims } from './claims.js';
import { Failure } from './failure.js';
import type { Inputs } from './inputs.js';
import { printable } from './printable.js';
import type { Answer } from './request.js';

/** What the advice speaks of. */
interface Case {
  readonly inputs: Inputs;
  readonly claims: Claims;
  /** The policy file and the repository it is read from. */
  readonly policy: string;
  readonly status: number;
}

type Advice = (given: Case) => string[];

/** By the beginning of the service's sentence, which is part of its contract. */
const BY_SENTENCE: readonly (readonly [string, Advice])[] = [
  ['token does not match trust policy', mismatch],
  ['unable to find trust policy', ({ policy }) => [
    `Is there ${policy}? Policies are read from the default branch, and from nowhere else.`,
    'The input `identity` is the file\'s name without `.sts.yaml`, in the same letter case.',
  ]],
  ['unable to parse trust policy', invalidPolicy],
  ['unable to compile trust policy', invalidPolicy],
  ['unable to read trust policy', unreadable],
  ['no installation found', ({ inputs }) => [
    `Install the service's GitHub App on \`${printable(inputs.scope.split('/')[0] ?? '')}\`, and give it access to the repository.`,
    'Is the input `scope` spelled right?',
  ]],
  ['no GitHub App configured', () => ['The service has no GitHub App for this owner: ask those who run it, or look at the input `domain`.']],
  ['issuer not permitted', ({ claims }) => [
    `The organisation admits only listed issuers. Its owners list \`${printable(textClaim(claims, 'iss') ?? '')}\` in \`.github/chainguard/trusted-token-issuers.yaml\` of its policy repository.`,
  ]],
  ['organization trusted-issuer configuration', () => ['The file `.github/chainguard/trusted-token-issuers.yaml` of the organisation\'s policy repository is not valid: its owners see why in the check run of the commit.']],
  ['unable to fetch or create the provider', ({ claims }) => [
    `The service could not read the keys of \`${printable(textClaim(claims, 'iss') ?? 'the issuer')}\`. An issuer on a private network must be named in \`STS_PRIVATE_ISSUERS\` of the service.`,
  ]],
  ['unable to verify bearer token', () => ['The OIDC token was refused by itself: expired, or signed with a key its issuer does not publish. Are the clocks of the runner and the service right?']],
  ['token exchange failure', unmintable],
  ['failed to get token', (given) => (given.status === 403 ? unmintable(given) : later())],
  ['multiple scopes', () => ['Give one scope. A policy of the organisation covers several repositories with one token.']],
  ['scope', scopeGrammar],
  ['invalid scope', scopeGrammar],
  ['identity', identityGrammar],
  ['invalid identity', identityGrammar],
];

/** By the service's stable word, for sentences that older services do not know. */
const BY_REASON: Readonly<Record<string, Advice>> = {
  INSTALLATION_SUSPENDED: () => ['An owner of the organisation has suspended the GitHub App, and can end that in its settings.'],
  REPOSITORY_RENAMED: () => ['Use the present name of the repository as `scope`.'],
  ISSUER_NOT_ADMITTED: ({ claims }) => [`The service does not take tokens of \`${printable(textClaim(claims, 'iss') ?? 'this issuer')}\`: ask those who run it.`],
  REPOSITORY_DOES_NOT_CONSENT: ({ policy }) => [
    `${policy} lists other repositories, and each of them needs a policy of the same name that admits this token. A policy of the organisation needs none of that.`,
  ],
  APP_NOT_CONFIGURED: ({ policy }) => [`${policy} asks for an App that this service does not have for the owner.`],
  TOO_MANY_REQUESTS: () => ['Too many requests were made: run the job again later.'],
};

const BY_STATUS: Readonly<Record<number, Advice>> = {
  400: () => ['Look at the inputs of this step.'],
  401: () => ['The OIDC token was not accepted. Is the input `domain` the service you mean?'],
  403: mismatch,
  404: () => ['Look at the inputs `scope`, `identity` and `domain`.'],
  429: () => ['A rate limit was reached: run the job again later.'],
};

/** The failure to show for an answer that brings no token. */
export function explain(answer: Answer, body: Readonly<Record<string, unknown>>, inputs: Inputs, bearer: string): Failure {
  const said = typeof body['message'] === 'string' && body['message'] !== '' ? printable(body['message']) : undefined;
  const given = { inputs, claims: readClaims(bearer), policy: policyOf(inputs), status: answer.status };
  const reason = reasonOf(body);
  return new Failure(`Token refused (${answer.status})`, said ?? silent(answer), {
    advice: said === undefined ? elsewhere(answer) : adviceFor(said, reason, answer.status)(given),
    facts: facts(answer, reason, inputs),
    summary: true,
  });
}

function adviceFor(said: string, reason: string | undefined, status: number): Advice {
  const byReason = reason !== undefined && Object.hasOwn(BY_REASON, reason) ? BY_REASON[reason] : undefined;
  if (byReason) return byReason;
  const known = BY_SENTENCE.find(([beginning]) => said.startsWith(beginning));
  return known?.[1] ?? BY_STATUS[status] ?? later;
}

/** `OWNER` is answered by the organisation's policy repository, usually `.github`. */
function policyOf({ scope, identity }: Inputs): string {
  const repository = scope.includes('/') ? scope : `${scope}/.github`;
  return `\`.github/chainguard/${printable(identity)}.sts.yaml\` in \`${printable(repository)}\``;
}

function mismatch({ claims, policy }: Case): string[] {
  const lines = ['iss', 'sub', 'aud'].map((name) => [name, textClaim(claims, name)] as const);
  const words: Record<string, string> = { iss: 'issuer', sub: 'subject', aud: 'audience' };
  const wanted = lines.filter(([, value]) => value !== undefined).map(([name, value]) => `    ${words[name]}: ${JSON.stringify(printable(value ?? ''))}`);
  const advice = [
    `Compare ${policy} with the claims of this job's token. A policy with these lines names this very token.\n\n${wanted.join('\n')}\n`,
    'Without `audience` in the policy, the token\'s audience must be the service\'s domain.',
  ];
  return /^repo:[^/]+@\d+\//.test(textClaim(claims, 'sub') ?? '')
    ? [...advice, 'This repository has immutable subjects, with ids behind `@`: a policy that has the names alone does not match.']
    : advice;
}

function invalidPolicy({ policy }: Case): string[] {
  return [`Correct ${policy}. The check run \`Trust Policy Validation\` on its commit says what is wrong, and so does \`octo-sts policy check\`.`];
}

function unreadable({ policy, status }: Case): string[] {
  return status === 403
    ? [`GitHub does not let the App read ${policy}: an owner of the organisation looks at the App's permissions and at the organisation's access rules.`]
    : [`Is ${policy} a plain text file of at most 64 KiB? A folder, a link or a submodule is none.`];
}

function scopeGrammar(): string[] {
  return ['A scope is `OWNER/REPOSITORY`, or `OWNER` for a policy of the organisation.'];
}

function identityGrammar(): string[] {
  return ['An identity is the name of a policy file without `.sts.yaml`: letters, digits, `.`, `_` and `-`.'];
}

function later(): string[] {
  return ['The service or GitHub has a problem: run the job again later.'];
}

function unmintable({ policy }: Case): string[] {
  return [`GitHub refused the token that ${policy} grants: the App's installation lacks one of its permissions or repositories.`];
}

function silent(answer: Answer): string {
  return `the service answered ${answer.status} and said nothing more`;
}

/** What answers without a sentence is most likely not the service. */
function elsewhere(answer: Answer): string[] {
  const location = answer.headers.get('location');
  const moved = location ? [`It points to ${printable(location)}, which is not followed: a token goes only where the inputs say.`] : [];
  return [...moved, 'Look at the inputs `domain` and `base-url`: is this an Octo STS service?'];
}

function reasonOf(body: Readonly<Record<string, unknown>>): string | undefined {
  const detail: unknown = Array.isArray(body['details']) ? body['details'][0] : undefined;
  const word = typeof detail === 'object' && detail !== null && 'reason' in detail ? detail.reason : undefined;
  return typeof word === 'string' ? word : undefined;
}

function facts(answer: Answer, reason: string | undefined, { scope, identity, service }: Inputs): [string, string][] {
  const found: [string, string | null | undefined][] = [
    ['scope', scope],
    ['identity', identity],
    ['service', service],
    ['reason', reason],
    ['request id', answer.headers.get('x-request-id')],
    ['try again after', answer.headers.get('retry-after')],
  ];
  return found.filter((fact): fact is [string, string] => Boolean(fact[1])).map(([name, value]) => [name, printable(value)]);
}
