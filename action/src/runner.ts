/** What the step says to the runner: workflow commands on standard output, and the files it names in the environment. */

import { appendFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { Failure } from './failure.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The kinds of annotation a runner knows. */
type Annotation = 'error' | 'warning' | 'notice';

export class Runner {
  constructor(
    readonly env: Environment,
    private readonly write: (line: string) => void,
  ) {}

  /** From here on the runner shows `***` for this text. */
  mask(secret: string): void {
    this.write(`::add-mask::${escapeData(secret)}`);
  }

  /** A plain line; the caller has made text of others printable. */
  say(line: string): void {
    this.write(line);
  }

  /** Lines behind a title that a reader opens. */
  group(title: string, lines: readonly string[]): void {
    this.write(`::group::${escapeData(title)}`);
    lines.forEach((line) => this.write(line));
    this.write('::endgroup::');
  }

  annotate(kind: Annotation, title: string, lines: readonly string[]): void {
    this.write(`::${kind} title=${escapeProperty(title)}::${escapeData(lines.join('\n'))}`);
  }

  output(name: string, value: string): void {
    this.append('GITHUB_OUTPUT', name, value);
  }

  /** Kept for the post step, which finds it as `STATE_name`. */
  keep(name: string, value: string): void {
    this.append('GITHUB_STATE', name, value);
  }

  /** An environment variable of the steps after this one. */
  export(name: string, value: string): void {
    this.append('GITHUB_ENV', name, value);
  }

  /** Markdown on the page of the run. Servers without job summaries name no file. */
  summarize(markdown: string): void {
    const file = this.env['GITHUB_STEP_SUMMARY'];
    if (file) appendFileSync(file, `${markdown}\n`);
  }

  /** A delimiter that nobody can foresee keeps a value from setting a second variable. */
  private append(variable: string, name: string, value: string): void {
    const file = this.env[variable];
    if (!file) {
      throw new Failure('No runner', `${variable} is not set: this step runs under a GitHub Actions runner`);
    }
    const delimiter = `octo-sts-${randomUUID()}`;
    appendFileSync(file, `${name}<<${delimiter}\n${value}\n${delimiter}\n`);
  }
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
