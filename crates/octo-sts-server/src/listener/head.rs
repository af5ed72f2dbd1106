//! A second look at the heads of HTTP/1.1 requests.
//!
//! The parser behind this is lenient where RFC 9112 permits it: a line may end without a carriage return, and of two
//! framing headers one wins. A proxy in front may decide otherwise, and then both disagree on where a request ends. Such
//! heads are spoiled here before the parser sees them: a byte that no head may hold takes the place of the one that made
//! it ambiguous, the parser answers 400, and the connection closes.

use memchr::memchr2;

/// What takes the place of a byte that makes a head ambiguous: it may stand nowhere in one.
const SPOILED: u8 = 0;
/// The longest name of a framing header.
const LONGEST: usize = b"transfer-encoding".len();

/// Looks at bytes as they arrive, from the start of a head to its end.
#[derive(Debug)]
pub(super) struct HeadCheck {
    done: bool,
    previous: u8,
    /// The request line has ended.
    in_headers: bool,
    /// Bytes on this line so far.
    column: usize,
    /// The name on this line, in lower case, as far as it could be that of a framing header; longer ones do not fit.
    name: [u8; LONGEST],
    /// The colon has been seen on this line.
    named: bool,
    /// Framing headers so far.
    framings: u8,
}

impl HeadCheck {
    pub(super) fn new() -> Self {
        Self { done: false, previous: 0, in_headers: false, column: 0, name: [0; LONGEST], named: false, framings: 0 }
    }

    /// Spoils what is ambiguous; what follows the head is left alone.
    pub(super) fn pass(&mut self, mut bytes: &mut [u8]) {
        while !self.done {
            let plain = self.plain(bytes);
            if let Some(last) = bytes[..plain].last() {
                (self.column, self.previous) = (self.column + plain, *last);
            }
            let Some((byte, rest)) = bytes[plain..].split_first_mut() else { return };
            let original = *byte;
            if self.is_ambiguous(original) {
                *byte = SPOILED;
            }
            self.previous = original;
            bytes = rest;
        }
    }

    /// How many bytes from here on cannot matter: all of a line but its name and its end.
    fn plain(&self, bytes: &[u8]) -> usize {
        if self.in_headers && !self.named { 0 } else { memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len()) }
    }

    fn is_ambiguous(&mut self, byte: u8) -> bool {
        match byte {
            b'\n' if self.previous == b'\r' => {
                self.end_line();
                false
            }
            b'\n' => true,
            b'\r' => false,
            b':' if self.in_headers && !self.named => {
                self.named = true;
                self.framings += u8::from(self.is_framing());
                self.framings > 1
            }
            byte => {
                if self.in_headers && !self.named && self.column < LONGEST {
                    self.name[self.column] = byte.to_ascii_lowercase();
                }
                self.column += 1;
                false
            }
        }
    }

    fn is_framing(&self) -> bool {
        self.name.get(..self.column).is_some_and(|name| name == b"content-length" || name == b"transfer-encoding")
    }

    /// An empty line ends the head; empty lines before the request line are passed over, as RFC 9112 §2.2 has it.
    fn end_line(&mut self) {
        self.done = self.in_headers && self.column == 0;
        self.in_headers = self.in_headers || self.column > 0;
        (self.column, self.named) = (0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoiled(text: &str) -> bool {
        let mut whole = text.as_bytes().to_vec();
        HeadCheck::new().pass(&mut whole);
        let mut one_by_one = text.as_bytes().to_vec();
        let mut check = HeadCheck::new();
        for byte in &mut one_by_one {
            check.pass(std::slice::from_mut(byte));
        }
        assert_eq!(whole, one_by_one, "Input: {text:?}");
        whole != text.as_bytes()
    }

    #[test]
    fn plain_heads_and_whatever_follows_them_pass() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nContent-Length: 1\nContent-Length: 1\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nX-Content-Length: 9\r\n\r\n\n\n\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Lengthx: 1\r\n\r\n0\n",
            "POST / HTTP/1.1\r\nX: content-length: 1, content-length: 2\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert!(!spoiled(text), "Input: {text:?}");
        }
    }

    /// T-055
    #[test]
    fn heads_that_two_readers_could_read_in_two_ways_are_spoiled() {
        for text in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nCONTENT-LENGTH: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        ] {
            assert!(spoiled(text), "Input: {text:?}");
        }
    }
}
