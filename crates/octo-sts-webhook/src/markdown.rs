//! Text from files and names, safe inside Markdown.
//!
//! Whatever is not ours goes into code spans: there nothing is a link, a mention, an image, HTML or a table.

use octo_sts_types::Printable;

/// The most of one text that is shown, in bytes.
const LONGEST: usize = 500;

/// A code span that shows `text` as it is; line ends and invisible characters are shown as escapes.
pub(crate) fn code(text: &str) -> String {
    let text = visible(text);
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space on either side keeps backticks at the ends apart from the fence, and is not shown (CommonMark §6.1).
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The same inside a table, where a bar ends the cell even in code (GFM §4.10).
pub(crate) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// `text` on one line, cut, with what cannot be seen made visible.
fn visible(text: &str) -> String {
    let cut = text.floor_char_boundary(LONGEST);
    let (shown, rest) = text.split_at(cut);
    // `Printable` shows 256 bytes at a time.
    let mut line: String = shown.chars().map(|c| Printable(c.encode_utf8(&mut [0; 4])).to_string()).collect();
    if !rest.is_empty() {
        line.push('…');
    }
    line
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-152
    #[test]
    fn nothing_gets_out_of_a_code_span() {
        for (text, expected) in [
            ("plain", "`plain`"),
            ("a`b", "``a`b``"),
            ("`a`", "`` `a` ``"),
            ("``", "``` `` ```"),
            (" a", "`  a `"),
            ("", "(empty)"),
            ("<img src=x> @mona #1 [x](y)", "`<img src=x> @mona #1 [x](y)`"),
            ("a\n\n# b", "`a\\u{a}\\u{a}# b`"),
            ("a\u{202e}b\u{200b}", "`a\\u{202e}b\\u{200b}`"),
        ] {
            assert_eq!(code(text), expected, "Input: {text:?}");
        }
        assert_eq!(cell("a|b"), "`a\\|b`");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(code(&"a".repeat(1_000)).len(), LONGEST + 2 + '…'.len_utf8());
        assert!(code(&"é".repeat(1_000)).ends_with("…`"));
    }
}
