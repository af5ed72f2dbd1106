//! The page and its files.

use octo_sts_page::FILES;
use octo_sts_policy::OrgPermissions;

use super::*;
use crate::rest::page::Page;

const BROWSER: &str = "\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ABOUT: &str = r#"{"msg": "please check documentation for usage: https://github.com/octo-sts/app"}"#;

pub(super) fn page() -> Page {
    let audiences = ["sts.example.com".to_owned(), "https://github.com/{scope}".to_owned()];
    Page::of("sts.example.com", &audiences, &".github".parse().unwrap(), OrgPermissions::Read)
}

/// The folder of the files, as the page names it.
async fn folder(stage: &Stage) -> String {
    let page = stage.get("/", BROWSER).await;
    let (folder, _) = page.body.split_once("/page.css\"").unwrap();
    format!("/{}", folder.rsplit('"').next().unwrap())
}

/// Head and bytes of an answer.
async fn fetch(stage: &Stage, head: &str) -> (String, Vec<u8>) {
    let mut stream = stage.connect().await;
    stream.write_all(format!("{head}\r\nHost: sts\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    timeout(LONG, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase(), bytes[end + 4..].to_vec())
}

#[tokio::test]
async fn browsers_get_a_page_and_clients_json() {
    let stage = Stage::open().await;
    for accept in [BROWSER, "\r\nAccept: text/html,*/*;q=0.8", "\r\nAccept: application/xml\r\nAccept: text/html"] {
        let page = stage.get("/", accept).await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")), "Input: {accept}");
        assert!(page.body.starts_with("<!doctype html>") && page.body.contains("https://sts.example.com/sts/exchange"), "Input: {accept}");
    }
    for accept in ["", "\r\nAccept: */*", "\r\nAccept: application/json", "\r\nAccept: nonsense", "\r\nAccept: text/html;q=0"] {
        let about = stage.get("/", accept).await;
        assert_eq!((about.header("content-type"), about.body.as_str()), (Some("application/json"), ABOUT), "Input: {accept}");
    }
    let head = stage.request(&format!("HEAD / HTTP/1.1{BROWSER}"), "").await;
    assert_eq!((head.status, head.header("content-type"), head.body.as_str()), (200, Some("text/html; charset=utf-8"), ""));
    assert_eq!(stage.request(&format!("POST / HTTP/1.1{BROWSER}"), "").await.status, 501);
}

/// T-104
#[tokio::test]
async fn the_page_may_do_nothing_but_run_its_own_scripts() {
    let stage = Stage::open().await;
    let page = stage.get("/", BROWSER).await;
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("vary", "Accept"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    assert!(stage.fake.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn files_are_kept_for_a_year_and_asked_for_once() {
    let stage = Stage::open().await;
    let folder = folder(&stage).await;
    for file in &FILES {
        let target = format!("{folder}/{}", file.name);
        let (head, body) = fetch(&stage, &format!("GET {target} HTTP/1.1")).await;
        assert!(head.starts_with("http/1.1 200 ok") && body == file.bytes, "{target}: {head}");
        for line in
            [&format!("content-type: {}", file.media_type), "cache-control: public, max-age=31536000, immutable", "x-content-type-options: nosniff"]
        {
            assert!(head.contains(&format!("\r\n{line}")), "{target}: {line}: {head}");
        }
        let tag = head.split("\r\netag: ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let (head, body) = fetch(&stage, &format!("GET {target} HTTP/1.1\r\nIf-None-Match: {known}")).await;
            assert!(head.starts_with("http/1.1 304 ") && head.contains(&format!("\r\netag: {tag}")) && body.is_empty(), "Input: {known}: {head}");
        }
        assert!(fetch(&stage, &format!("GET {target} HTTP/1.1\r\nIf-None-Match: \"other\"")).await.0.starts_with("http/1.1 200 "), "{target}");
    }
}

#[tokio::test]
async fn the_engine_comes_in_brotli_to_those_who_read_it() {
    let stage = Stage::open().await;
    let target = format!("{}/engine.wasm", folder(&stage).await);
    let engine = FILES.iter().find(|file| file.name == "engine.wasm").unwrap();
    let (head, body) = fetch(&stage, &format!("GET {target} HTTP/1.1\r\nAccept-Encoding: gzip, deflate, br")).await;
    assert!(head.contains("\r\ncontent-encoding: br") && head.contains("\r\nvary: accept-encoding") && head.contains("-br\""), "{head}");
    assert_eq!(Some(body.as_slice()), engine.brotli);
    let (head, body) = fetch(&stage, &format!("GET {target} HTTP/1.1\r\nAccept-Encoding: gzip, br;q=0")).await;
    assert!(!head.contains("content-encoding") && head.contains("\r\nvary: accept-encoding") && body == engine.bytes, "{head}");
    let (head, body) = fetch(&stage, &format!("HEAD {target} HTTP/1.1")).await;
    assert!(head.contains(&format!("\r\ncontent-length: {}", engine.bytes.len())) && body.is_empty(), "{head}");
}

#[tokio::test]
async fn unknown_files_are_as_unknown_as_any_path() {
    let stage = Stage::open().await;
    let folder = folder(&stage).await;
    let not_found = r#"{"code":5,"message":"Not Found","details":[]}"#;
    for target in [
        format!("{folder}/absent.js"),
        format!("{folder}/"),
        folder.clone(),
        format!("{folder}/page.js/"),
        format!("{folder}/../page.js"),
        format!("{folder}/%70age.js"),
        "/page".to_owned(),
        "/page/".to_owned(),
        "/page/0/page.js".to_owned(),
        "/favicon.ico".to_owned(),
    ] {
        let answer = stage.get(&target, BROWSER).await;
        assert_eq!((answer.status, answer.body.as_str()), (404, not_found), "Input: {target}");
    }
    let refused = stage.request(&format!("POST {folder}/page.js HTTP/1.1"), "").await;
    assert_eq!((refused.status, refused.body.as_str()), (501, r#"{"code":12,"message":"Method Not Allowed","details":[]}"#));
}
