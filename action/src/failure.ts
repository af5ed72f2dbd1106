/** A failure that is explained to the person who reads the log. */

export interface Particulars {
  /** What to do about it, one sentence each. */
  advice?: readonly string[];
  /** Name and value of what helps to find the cause, such as the request id. */
  facts?: readonly (readonly [string, string])[];
  /** Whether the run's page shows it, too. */
  summary?: boolean;
}

export class Failure extends Error {
  readonly advice: readonly string[];
  readonly facts: readonly (readonly [string, string])[];
  readonly summary: boolean;

  constructor(
    readonly title: string,
    /** One sentence: what happened. Printable. */
    sentence: string,
    particulars: Particulars = {},
  ) {
    super(sentence);
    this.advice = particulars.advice ?? [];
    this.facts = particulars.facts ?? [];
    this.summary = particulars.summary ?? false;
  }
}
