//! What somebody probably meant to write.

/// Longest word that is compared.
const LONGEST: usize = 64;

/// The candidate that `word` is a slip of: another case, hyphens, singular or plural, or up to two wrong letters.
pub(crate) fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > LONGEST {
        return None;
    }
    let most = (word.len() / 3).min(2);
    let folded = fold(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = fold(candidate);
        // An edit takes one letter away at the most, and adds one.
        if (letters(&folded) ^ letters(&other)).count_ones() as usize > 2 * most {
            continue;
        }
        let distance = distance(&folded, &other);
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Which letters a word has, 32 sorts of them.
fn letters(word: &str) -> u32 {
    word.chars().fold(0, |all, letter| all | 1 << (u32::from(letter) & 31))
}

/// The word without case, separators and plural.
fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for part in word.split(['-', '_', ' ', '.']) {
        if !folded.is_empty() {
            folded.push('_');
        }
        folded.extend(part.strip_suffix('s').unwrap_or(part).chars().map(|letter| letter.to_ascii_lowercase()));
    }
    folded
}

/// Edits between two words, a swap of neighbours being one (optimal string alignment); words of unlike length are far apart.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut current = vec![0; b.len() + 1];
    for (row, &from) in a.iter().enumerate() {
        current[0] = row + 1;
        for (column, &to) in b.iter().enumerate() {
            let mut edits = (last[column] + usize::from(from != to)).min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && from == b[column - 1] && a[row - 1] == to {
                edits = edits.min(before_last[column - 1] + 1);
            }
            current[column + 1] = edits;
        }
        // The oldest row is written over.
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut current);
    }
    last[b.len()]
}

/// `text` as a YAML scalar that every reader takes for this text.
pub(crate) fn quoted(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Control characters are U+0000 to U+009F.
            c if c.is_control() => {
                let digit = |value: u32| char::from_digit(value, 16).unwrap_or('0');
                quoted.extend(['\\', 'x', digit(u32::from(c) >> 4), digit(u32::from(c) & 15)]);
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_a_text() {
        assert_eq!(quoted("it's"), "'it''s'");
        assert_eq!(quoted("a\n\"b\\"), r#""a\x0a\"b\\""#);
    }

    #[test]
    fn slips_find_what_was_meant() {
        let names = ["contents", "pull_requests", "issues", "workflows", "read", "write"];
        for (slip, meant) in [
            ("pull-request", "pull_requests"),
            ("pull_request", "pull_requests"),
            ("Pull-Requests", "pull_requests"),
            ("content", "contents"),
            ("CONTENTS", "contents"),
            ("writ", "write"),
            ("wirte", "write"),
            ("isues", "issues"),
            ("-pull_requests", "pull_requests"),
            ("pull requests", "pull_requests"),
            ("workflwos", "workflows"),
        ] {
            assert_eq!(closest(slip, names), Some(meant), "Input: {slip}");
        }
        for word in ["", "x", "banana", "re", "wrtie_all", "pull_requests_of_mine", "issu\u{e9}\u{e9}\u{e9}", &"a".repeat(10_000)] {
            assert_eq!(closest(word, names), None, "Input: {word}");
        }
    }
}
