/**
 * Text of others (answers, claims, inputs), made fit to be shown.
 *
 * A runner reads every line that a step prints for commands: `::` at its beginning and `##[` anywhere.
 */

/** Longest text that is shown whole, in characters. */
const LONGEST = 2_000;

/** Control, bidirectional and zero-width characters: invisible to the reader, or changing what he sees. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line that shows what is there and commands nothing. */
export function printable(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return short
    .replace(UNSEEN, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
    .replaceAll('##[', '#\\#[')
    .replace(/^\s*::/, (colons) => `\\${colons}`);
}

/** For Markdown and HTML, where a job summary shows it. */
export function html(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
