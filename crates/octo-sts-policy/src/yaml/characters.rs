//! Characters that readers of YAML disagree about, or that people cannot see.

use crate::diagnostics::{Code, Reporter};

/// Reports raw control characters and line ends that only some readers know, and warns of invisible characters.
pub(super) fn check(reporter: &mut Reporter<'_>) {
    let text = reporter.text();
    let suspicious = |byte: &u8| *byte >= 0x80 || (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0x7F;
    if !text.as_bytes().iter().any(suspicious) {
        return;
    }
    for (at, c) in text.char_indices() {
        let span = at..at + c.len_utf8();
        match c {
            '\t' | '\n' | '\r' | ' '..='~' => {}
            '\u{feff}' if at == 0 => {}
            c if !reporter.takes(if is_invisible(c) { Code::InvisibleCharacter } else { Code::ForbiddenCharacter }) => {}
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                let message = format!("U+{:04X} ends a line for some readers of YAML and not for others.", u32::from(c));
                reporter.report(Code::ForbiddenCharacter, span, message, "end lines with a line feed".to_owned());
            }
            c if c.is_control() => {
                let message = format!("The control character U+{:04X} may not stand in this file.", u32::from(c));
                reporter.report(Code::ForbiddenCharacter, span, message, format!("in double quotes it is written `{}`", escape(c)));
            }
            c if is_invisible(c) => {
                let message = format!("U+{:04X} cannot be seen and may make this line read differently than it is matched.", u32::from(c));
                reporter.report(Code::InvisibleCharacter, span, message, format!("in double quotes it is written `{}`", escape(c)));
            }
            _ => {}
        }
    }
}

fn escape(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xFF => format!("\\x{code:02X}"),
        code @ 0x100..=0xFFFF => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    }
}

/// Bidirectional controls, joiners, zero-width spaces, soft hyphens, byte order marks and tags.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
