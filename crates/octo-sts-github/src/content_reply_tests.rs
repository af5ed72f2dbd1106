use bytes::Bytes;
use http::HeaderMap;

use super::*;

fn response(body: &str) -> Response {
    Response { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
}

/// A file object with this content, sent as GitHub sends it: base64 with a line break every 60 characters.
fn object(content: &[u8], line_break: &str) -> String {
    let encoded = STANDARD.encode(content);
    let lines: Vec<_> = encoded.as_bytes().chunks(60).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!(
        r#"{{"name":"ci.sts.yaml","path":".github/chainguard/ci.sts.yaml","sha":"3d21ec53a331a6f037a91c368710b99387d012c1","size":{},"type":"file","content":"{}{line_break}","encoding":"base64","_links":{{}}}}"#,
        content.len(),
        lines.join(line_break)
    )
}

fn read(body: &str) -> Result<Content, OddContent> {
    file(&response(body)).unwrap()
}

/// T-090
#[test]
fn a_file_is_its_text() {
    let long = "subject: x\n".repeat(500);
    for text in ["issuer: https://issuer.example\n", "", "\u{feff}issuer: x", "é😀", &long] {
        for line_break in ["\\n", "\\r\\n", ""] {
            let content = read(&object(text.as_bytes(), line_break)).unwrap();
            assert_eq!((content.text.as_str(), content.sha.as_str()), (text, "3d21ec53a331a6f037a91c368710b99387d012c1"), "Input: {text}");
        }
    }
}

/// T-090
#[test]
fn a_file_without_a_size_is_measured() {
    let unsized_object = |length: usize| object(&vec![b'x'; length], "\\n").replace(&format!("\"size\":{length},"), "");
    assert_eq!(read(&unsized_object(65_536)).unwrap().text.len(), 65_536);
    assert_eq!(read(&unsized_object(65_537)), Err(OddContent::TooLarge { size: Some(65_537) }));
}

/// T-090, T-091
#[test]
fn everything_else_is_told_apart() {
    let file = object(b"issuer: x", "\\n");
    let big = object(&vec![b'x'; 65_537], "\\n");
    let pointer = object(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1234\n", "\\n");
    for (body, odd) in [
        ("[]".to_owned(), OddContent::Directory),
        (r#" [{"type":"file","name":"a"}]"#.into(), OddContent::Directory),
        (r#"{"type":"dir","entries":[]}"#.into(), OddContent::Directory),
        (r#"{"type":"symlink","target":"../../secret","size":12}"#.into(), OddContent::Symlink),
        (r#"{"type":"submodule","submodule_git_url":"git://x"}"#.into(), OddContent::Submodule),
        (file.replace(r#""type":"file""#, r#""type":"file","submodule_git_url":"git://x""#), OddContent::Submodule),
        (r#"{"type":"wormhole"}"#.into(), OddContent::Unknown),
        (big, OddContent::TooLarge { size: Some(65_537) }),
        (r#"{"type":"file","encoding":"none","content":"","size":2000000,"sha":"x"}"#.into(), OddContent::TooLarge { size: Some(2_000_000) }),
        (r#"{"type":"file","encoding":"none","content":"","size":20,"sha":"x"}"#.into(), OddContent::TooLarge { size: None }),
        (object(b"\xff\xfe\x00", "\\n"), OddContent::NotUtf8),
        (pointer, OddContent::LfsPointer),
        (file.replace("base64", "utf-8"), OddContent::Unreadable { why: "it is not encoded as base64" }),
        (file.replace("\"content\"", "\"x\""), OddContent::Unreadable { why: "there is none" }),
        (file.replace("aXNz", "a*Nz"), OddContent::Unreadable { why: "it is not base64" }),
        (file.replace("\"size\":9", "\"size\":8"), OddContent::Unreadable { why: "it is not as long as its size says" }),
        (file.replace("aXNz", ""), OddContent::Unreadable { why: "it is not as long as its size says" }),
    ] {
        assert_eq!(read(&body), Err(odd), "Input: {}", &body[..body.len().min(200)]);
    }
}

#[test]
fn the_longest_file_is_read() {
    assert_eq!(read(&object(&vec![b'x'; 65_536], "\\n")).unwrap().text.len(), 65_536);
}

/// T-120
#[test]
fn a_body_that_is_no_answer_is_unexpected() {
    for body in ["", "<html>", "{", "null", "{}", r#"{"type":7}"#, "\u{1f}\u{8b}gzip"] {
        let error = file(&response(body)).unwrap_err();
        assert!(matches!(error, GitHubError::Unexpected { status: Some(200), .. }), "Input: {body}");
    }
    let not_modified = Response { status: StatusCode::NOT_MODIFIED, ..response("") };
    assert_eq!(entries(&not_modified).unwrap_err().to_string(), "unexpected answer 304: 200 was due");
    let no_content = Response { status: StatusCode::NO_CONTENT, ..response("") };
    assert_eq!(file(&no_content).unwrap_err().to_string(), "unexpected answer 204: 200 was due");
}

#[test]
fn a_directory_says_what_its_entries_are() {
    let body = r#"[{"type":"file","name":"ci.sts.yaml","size":12,"sha":"a"},{"type":"symlink","name":"link.sts.yaml","sha":"b","size":3},
        {"type":"dir","name":"sub","sha":"c","size":0},{"type":"file","name":"module","sha":"d","size":0,"submodule_git_url":"git://x"},{"type":"new","name":"n"}]"#;
    let kinds: Vec<_> = entries(&response(body)).unwrap().unwrap().into_iter().map(|entry| (entry.name, entry.kind)).collect();
    let expected = [
        ("ci.sts.yaml", EntryKind::File),
        ("link.sts.yaml", EntryKind::Symlink),
        ("sub", EntryKind::Directory),
        ("module", EntryKind::Submodule),
        ("n", EntryKind::Unknown),
    ];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!(entries(&response(&object(b"x", ""))).unwrap(), None);
    assert!(entries(&response("[{}]")).is_err());
}
