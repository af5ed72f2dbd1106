//! Text from outside, made safe to show to people.

use std::fmt;

/// How much of a text people see, in bytes of its escaped form.
const LONGEST: usize = 256;

/// Shows text with control, bidirectional and zero-width characters escaped, cut after 256 bytes.
///
/// For logs, messages and pages: a subject that ends a line, turns the reading direction or hides a letter is shown as
/// what it is.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        // Most texts are short, and have nothing in them to escape.
        if self.0.len() <= LONGEST && self.0.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return f.write_str(self.0);
        }
        let mut left = LONGEST;
        for c in self.0.chars() {
            let escaped = c.is_control() || is_invisible(c);
            let width = if escaped { c.escape_unicode().count() } else { c.len_utf8() };
            if width > left {
                return f.write_char('…');
            }
            left -= width;
            if escaped { c.escape_unicode().try_for_each(|c| f.write_char(c))? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

/// Format and private-use characters and line separators: they change how text reads, or show nothing.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0001}' | '\u{e0020}'..='\u{e007f}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-104
    #[test]
    fn what_could_deceive_a_reader_is_escaped() {
        assert_eq!(Printable("a\nb\u{1b}[31m").to_string(), "a\\u{a}b\\u{1b}[31m");
        assert_eq!(Printable("repo:o/\u{202e}r\u{200b}").to_string(), "repo:o/\\u{202e}r\\u{200b}");
        assert_eq!(Printable("plain é 😀").to_string(), "plain é 😀");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(Printable(&"a".repeat(300)).to_string(), format!("{}…", "a".repeat(256)));
    }
}
