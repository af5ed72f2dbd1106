//! What a connection speaks, by its first bytes.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What every HTTP/2 connection begins with (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    Http1,
    Http2,
}

/// Reads until it is clear what the connection speaks; `None` when it ends before. The bytes read are handed back.
pub(super) async fn sniff(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(Bytes, Speaks)>> {
    let mut first = BytesMut::with_capacity(4 << 10);
    loop {
        if stream.read_buf(&mut first).await? == 0 {
            return Ok(None);
        }
        let compared = first.len().min(PREFACE.len());
        if first[..compared] != PREFACE[..compared] {
            return Ok(Some((first.freeze(), Speaks::Http1)));
        }
        if compared == PREFACE.len() {
            return Ok(Some((first.freeze(), Speaks::Http2)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_bytes_tell_and_are_handed_back() {
        for (text, speaks) in [
            ("GET / HTTP/1.1\r\n", Some(Speaks::Http1)),
            ("P", None),
            ("POST", Some(Speaks::Http1)),
            ("PRI * HTTP/2.0\r\n\r\n", None),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nrest", Some(Speaks::Http2)),
            ("PRI * HTTP/1.1\r\n\r\n", Some(Speaks::Http1)),
            ("", None),
        ] {
            let mut stream = text.as_bytes();
            let found = sniff(&mut stream).await.unwrap();
            assert_eq!(found.as_ref().map(|(_, speaks)| *speaks), speaks, "Input: {text:?}");
            if let Some((first, _)) = found {
                assert!(text.as_bytes().starts_with(&first));
            }
        }
    }
}
