//! The hash chain of the JSON lines.
//!
//! A line is `{"prev":"<hash of the line before>",…,"hash":"<SHA-256>"}`. The hash covers every byte of the line before
//! `,"hash":`, and so, through `prev`, everything that was ever written before it. The first line of all has [`GENESIS`]
//! as `prev`; a rotated file goes on with the last hash of the file before. A changed line no longer has its own hash, a
//! deleted one leaves a gap. Lines cut off at the end show only by comparison with a head noted elsewhere: the service
//! logs it when it opens, rotates and closes the file.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// `prev` of the first line.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const PREV: &str = "{\"prev\":\"";
const HASH: &str = ",\"hash\":\"";
const END: &str = "\"}";
const HEX: usize = 64;

/// Closes a line's members into the chain: the line without its end, and its hash, the next line's `prev`.
pub(crate) fn seal(prev: &str, members: &[u8]) -> (Vec<u8>, String) {
    let mut line = Vec::with_capacity(members.len() + 256);
    line.extend_from_slice(PREV.as_bytes());
    line.extend_from_slice(prev.as_bytes());
    line.extend_from_slice(b"\",");
    line.extend_from_slice(members);
    let hash = sha256_hex(&line);
    line.extend_from_slice(HASH.as_bytes());
    line.extend_from_slice(hash.as_bytes());
    line.extend_from_slice(END.as_bytes());
    (line, hash)
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(HEX), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The `prev` and `hash` that a line states, and the bytes that the hash covers; `None` for what is no line of ours.
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.strip_suffix(END)?;
    let (covered, hash) = rest.split_at_checked(rest.len().checked_sub(HEX)?)?;
    let covered = covered.strip_suffix(HASH)?;
    let prev = covered.strip_prefix(PREV)?.get(..HEX)?;
    let hexadecimal = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (hexadecimal(prev) && hexadecimal(hash) && covered[PREV.len() + HEX..].starts_with("\",")).then_some((prev, hash, covered))
}

/// The hash that a line of ours states about itself, if it holds.
pub(crate) fn head_of(line: &str) -> Option<&str> {
    let (_, hash, covered) = parts(line)?;
    (sha256_hex(covered.as_bytes()) == hash).then_some(hash)
}

/// What a walk along the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Lines that hold.
    pub intact: u64,
    /// `prev` of the first line: [`GENESIS`], or the head of an earlier file; `None` without lines.
    pub start: Option<String>,
    /// Hash of the last line; `None` without lines.
    pub head: Option<String>,
    /// What does not hold, in the order of the lines.
    pub faults: Vec<ChainFault>,
}

/// One break of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFault {
    /// The line's number, from 1.
    pub line: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not a line that the service wrote whole: foreign text, or cut by a crash.
    Foreign,
    /// The line's own hash does not hold: it was changed.
    Changed,
    /// The line does not follow the one before it: lines were removed, added or moved.
    Gap,
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            Fault::Foreign => "is no whole line of the service's",
            Fault::Changed => "was changed after it was written",
            Fault::Gap => "does not follow the line before it: lines were removed, added or moved",
        };
        write!(f, "line {} {what}", self.line)
    }
}

/// Walks along the chain.
///
/// A foreign line is a fault by itself, and the chain goes on behind it; behind a changed line the chain is taken up from
/// the hash that it states, so that one change is one fault.
pub fn verify_chain<L: AsRef<str>>(lines: impl IntoIterator<Item = L>) -> ChainReport {
    let mut report = ChainReport { intact: 0, start: None, head: None, faults: Vec::new() };
    for (number, line) in (1..).zip(lines) {
        let Some((prev, hash, covered)) = parts(line.as_ref()) else {
            report.faults.push(ChainFault { line: number, fault: Fault::Foreign });
            continue;
        };
        if report.head.as_deref().is_some_and(|head| head != prev) {
            report.faults.push(ChainFault { line: number, fault: Fault::Gap });
        }
        if sha256_hex(covered.as_bytes()) == hash {
            report.intact += 1;
        } else {
            report.faults.push(ChainFault { line: number, fault: Fault::Changed });
        }
        report.start.get_or_insert_with(|| prev.to_owned());
        report.head = Some(hash.to_owned());
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: usize) -> Vec<String> {
        let mut prev = GENESIS.to_owned();
        (0..count)
            .map(|n| {
                let (line, hash) = seal(&prev, format!("\"n\":{n}").as_bytes());
                prev = hash;
                String::from_utf8(line).unwrap()
            })
            .collect()
    }

    fn faults(lines: &[String]) -> Vec<(u64, Fault)> {
        verify_chain(lines.iter().map(String::as_str)).faults.into_iter().map(|found| (found.line, found.fault)).collect()
    }

    #[test]
    fn a_whole_chain_holds() {
        let lines = chain(5);
        let report = verify_chain(lines.iter().map(String::as_str));
        assert_eq!((report.intact, report.faults.len(), report.start.as_deref()), (5, 0, Some(GENESIS)));
        assert_eq!(report.head.as_deref(), head_of(&lines[4]));
        assert!(lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }

    #[test]
    fn a_changed_line_shows() {
        let mut lines = chain(4);
        lines[1] = lines[1].replace("\"n\":1", "\"n\":7");
        assert_eq!(faults(&lines), [(2, Fault::Changed)]);
    }

    #[test]
    fn a_changed_line_with_a_new_hash_shows_at_the_next() {
        let mut lines = chain(4);
        let first = head_of(&lines[0]).unwrap().to_owned();
        lines[1] = String::from_utf8(seal(&first, b"\"n\":7").0).unwrap();
        assert_eq!(faults(&lines), [(3, Fault::Gap)]);
    }

    #[test]
    fn removed_added_and_moved_lines_show() {
        let mut removed = chain(4);
        removed.remove(1);
        assert_eq!(faults(&removed), [(2, Fault::Gap)]);
        let mut added = chain(4);
        added.insert(2, added[0].clone());
        assert_eq!(faults(&added), [(3, Fault::Gap), (4, Fault::Gap)]);
        let mut moved = chain(4);
        moved.swap(1, 2);
        assert_eq!(faults(&moved), [(2, Fault::Gap), (3, Fault::Gap), (4, Fault::Gap)]);
    }

    #[test]
    fn a_line_cut_by_a_crash_is_told_and_the_chain_goes_on() {
        let mut lines = chain(3);
        lines.insert(1, lines[1][..20].to_owned());
        assert_eq!(faults(&lines), [(2, Fault::Foreign)]);
    }

    #[test]
    fn odd_lines_are_foreign() {
        let multi = "é".repeat(80);
        for line in ["", "{}", "\"}", &multi, "{\"prev\":\"\",\"hash\":\"\"}"] {
            assert_eq!(faults(&[line.to_owned()]), [(1, Fault::Foreign)], "Input: {line}");
        }
    }
}
