//! Requests that two readers could read in two ways (T-055).

use super::*;

/// What follows each head: a request that must never be answered as one of its own.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: sts\r\n\r\n";

/// Head and body of requests whose length is not clear, or whose head is not one.
fn vectors() -> Vec<(&'static str, String)> {
    let post = "POST /sts/exchange HTTP/1.1\r\nHost: sts\r\n";
    let chunked = format!("0\r\n\r\n{SMUGGLED}");
    vec![
        ("length, then encoding", format!("{post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}")),
        ("encoding, then length", format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunked}")),
        ("two lengths that differ", format!("{post}Content-Length: 0\r\nContent-Length: 40\r\n\r\n{SMUGGLED}")),
        ("two lengths that agree", format!("{post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n{SMUGGLED}")),
        ("a list of lengths", format!("{post}Content-Length: 0, 0\r\n\r\n{SMUGGLED}")),
        ("a length with a sign", format!("{post}Content-Length: +0\r\n\r\n{SMUGGLED}")),
        ("a negative length", format!("{post}Content-Length: -1\r\n\r\n{SMUGGLED}")),
        ("a hexadecimal length", format!("{post}Content-Length: 0x0\r\n\r\n{SMUGGLED}")),
        ("a length with a blank in it", format!("{post}Content-Length: 0 0\r\n\r\n{SMUGGLED}")),
        ("an empty length", format!("{post}Content-Length: \r\n\r\n{SMUGGLED}")),
        ("a huge length", format!("{post}Content-Length: 99999999999999999999\r\n\r\n{SMUGGLED}")),
        ("an unknown encoding", format!("{post}Transfer-Encoding: xchunked\r\n\r\n{chunked}")),
        ("an encoding that is not last", format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n{chunked}")),
        ("identity", format!("{post}Transfer-Encoding: identity\r\n\r\n{chunked}")),
        ("two encodings", format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n{chunked}")),
        ("two encodings that agree", format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}")),
        ("a quoted encoding", format!("{post}Transfer-Encoding: \"chunked\"\r\n\r\n{chunked}")),
        ("a vertical tab before the encoding", format!("{post}Transfer-Encoding: \x0bchunked\r\n\r\n{chunked}")),
        ("an encoding in HTTP/1.0", format!("POST /sts/exchange HTTP/1.0\r\nHost: sts\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}")),
        ("a blank before the colon", format!("{post}Content-Length : 0\r\n\r\n{SMUGGLED}")),
        ("a blank before the colon of the encoding", format!("{post}Transfer-Encoding : chunked\r\n\r\n{chunked}")),
        ("a folded line", format!("{post}X: a\r\n Content-Length: 0\r\n\r\n{SMUGGLED}")),
        ("a folded encoding", format!("{post}Transfer-Encoding:\r\n chunked\r\n\r\n{chunked}")),
        ("a line feed alone", format!("{post}X: a\nContent-Length: 0\r\n\r\n{SMUGGLED}")),
        ("line feeds throughout", "GET / HTTP/1.1\nHost: sts\n\nGET /smuggled HTTP/1.1\nHost: sts\n\n".to_owned()),
        ("a carriage return alone", format!("{post}X: a\rContent-Length: 0\r\n\r\n{SMUGGLED}")),
        ("a NUL in a value", format!("{post}X: a\0b\r\n\r\n{SMUGGLED}")),
        ("a NUL in a name", format!("{post}X\0: a\r\n\r\n{SMUGGLED}")),
        ("no colon", format!("{post}Content-Length\r\n\r\n{SMUGGLED}")),
        ("no name", format!("{post}: x\r\n\r\n{SMUGGLED}")),
        ("no host", format!("GET / HTTP/1.1\r\n\r\n{SMUGGLED}")),
        ("two hosts", format!("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n{SMUGGLED}")),
        ("a blank in the target", format!("GET / x HTTP/1.1\r\nHost: sts\r\n\r\n{SMUGGLED}")),
        ("a control character in the target", format!("GET /\x01 HTTP/1.1\r\nHost: sts\r\n\r\n{SMUGGLED}")),
        ("a tab as separator", format!("GET\t/\tHTTP/1.1\r\nHost: sts\r\n\r\n{SMUGGLED}")),
        ("HTTP/0.9", format!("GET /\r\n\r\n{SMUGGLED}")),
        ("HTTP/1.2", format!("GET / HTTP/1.2\r\nHost: sts\r\n\r\n{SMUGGLED}")),
        ("HTTP/2 in a request line", format!("GET / HTTP/2.0\r\nHost: sts\r\n\r\n{SMUGGLED}")),
        ("a chunk size that is none", format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n{SMUGGLED}")),
        ("a chunk size with a sign", format!("{post}Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n{SMUGGLED}")),
        ("a chunk size that overflows", format!("{post}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n{SMUGGLED}")),
        ("a chunk that is too long for its size", format!("{post}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n{SMUGGLED}")),
    ]
}

/// T-055
#[tokio::test]
async fn an_ambiguous_request_gets_one_refusal_and_the_connection_closes() {
    let stage = Arc::new(Stage::open().await);
    let mut runs = tokio::task::JoinSet::new();
    for (name, bytes) in vectors() {
        let stage = Arc::clone(&stage);
        runs.spawn(async move {
            let mut stream = stage.connect().await;
            stream.write_all(bytes.as_bytes()).await.unwrap();
            let mut text = Vec::new();
            // A reset after the answer is a closed connection, too.
            let closed = timeout(LONG, stream.read_to_end(&mut text)).await.is_ok();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(closed, "{name}: the connection stays open after {text}");
            let answers = text.matches("HTTP/1.1 ").count();
            assert!(answers <= 1, "{name}: {answers} answers: {text}");
            assert!(text.is_empty() || text.starts_with("HTTP/1.1 4") || text.starts_with("HTTP/1.1 505"), "{name}: {text}");
        });
    }
    let vectors = vectors().len();
    assert!(vectors >= 40, "{vectors}");
    while let Some(run) = runs.join_next().await {
        run.unwrap();
    }
    assert!(stage.fake.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn plain_requests_on_one_connection_are_each_answered() {
    let stage = Stage::open().await;
    let one = "POST /sts/exchange HTTP/1.1\r\nHost: sts\r\nAuthorization: x\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n{\n\"scope\": \"a\",\n\n\"identity\": \"ci\"}";
    let chunked = "POST /sts/exchange?scope=a&identity=ci HTTP/1.1\r\nHost: sts\r\nAuthorization: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n0\r\n\r\n";
    let mut stream = stage.connect().await;
    for request in [one, chunked, one, "GET / HTTP/1.1\r\nHost: sts\r\n\r\n"] {
        stream.write_all(request.as_bytes()).await.unwrap();
        let text = read_some(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{request}: {text}");
    }
    let pipelined = "GET /healthz HTTP/1.1\r\nHost: sts\r\n\r\n".repeat(3);
    assert_eq!(stage.raw(pipelined.as_bytes()).await.matches("HTTP/1.1 200 OK").count(), 3);
}
