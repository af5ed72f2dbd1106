//! Keys of entries.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

/// The key of an entry: the SHA-256 of what it stands for, each field with its length before it.
///
/// Because of the lengths, no two lists of fields run together: `("a:b", "c")` and `("a", "b:c")` have different keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of these fields, in this order. `kind` keeps keys of different meaning apart.
    pub fn of(kind: &str, fields: &[&[u8]]) -> Self {
        let mut digest = Context::new(&SHA256);
        for field in [kind.as_bytes()].iter().chain(fields) {
            digest.update(&(field.len() as u64).to_be_bytes());
            digest.update(field);
        }
        let mut key = [0; 32];
        key.copy_from_slice(digest.finish().as_ref());
        Self(key)
    }

    /// A key that is a digest already, as of a token's text.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The key in 64 hexadecimal digits.
    #[cfg(any(test, feature = "redis", feature = "firestore"))]
    pub(crate) fn hex(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(f, "Key({first:02x}{second:02x}…)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn route(scope: &str, identity: &str, subject: &str) -> Key {
        Key::of("route", &[scope.as_bytes(), identity.as_bytes(), subject.as_bytes()])
    }

    /// The 32-bit FNV-1a hash.
    fn fnv(text: &str) -> u32 {
        text.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }

    /// T-101: a caller chooses much of his subject, and 32 bits are found by trying.
    #[test]
    fn subjects_that_collide_in_a_short_hash_have_keys_of_their_own() {
        let mut seen = HashMap::new();
        let mut collisions = 0;
        for number in 0..400_000_u64 {
            let subject = format!("repo:a/b:ref:{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            if let Some(other) = seen.insert(fnv(&format!("a/b:deploy:{subject}")), subject.clone()) {
                collisions += 1;
                assert_ne!(route("a/b", "deploy", &subject), route("a/b", "deploy", &other));
            }
        }
        assert!(collisions > 0, "no pair was tried");
    }

    /// T-101
    #[test]
    fn fields_do_not_run_together() {
        let rows = [("a", "b:c", "d"), ("a:b", "c", "d"), ("a", "b", "c:d"), ("a", "bc", "d"), ("", "abc", "d"), ("a", "b", "cd")];
        for (at, one) in rows.iter().enumerate() {
            for other in &rows[at + 1..] {
                assert_ne!(route(one.0, one.1, one.2), route(other.0, other.1, other.2), "{one:?} {other:?}");
            }
        }
        assert_ne!(Key::of("route", &[b"a"]), Key::of("token", &[b"a"]));
        assert_eq!(route("a", "b", "c"), route("a", "b", "c"));
        assert_eq!(route("a", "b", "c").hex().len(), 64);
    }
}
