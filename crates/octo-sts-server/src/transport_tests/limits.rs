//! How much a caller may send, and how slowly.

use super::*;

/// T-051
#[tokio::test]
async fn what_is_too_long_is_refused_at_once() {
    let stage = Stage::open().await;
    let long = "a".repeat(33 << 10);
    let many = "X: y\r\n".repeat(3_000);
    for (name, request, status) in [
        ("a long header", format!("GET / HTTP/1.1\r\nHost: sts\r\nX: {long}\r\n\r\n"), "431"),
        ("many headers", format!("GET / HTTP/1.1\r\nHost: sts\r\n{many}\r\n"), "431"),
        ("a head that does not end", format!("GET / HTTP/1.1\r\nHost: sts\r\nX: {}", "a".repeat(100 << 10)), "431"),
        ("a long body", format!("POST /sts/exchange HTTP/1.1\r\nHost: sts\r\nContent-Length: 5000\r\n\r\n{}", "a".repeat(5000)), "413"),
        ("a body announced as long", "POST /sts/exchange HTTP/1.1\r\nHost: sts\r\nContent-Length: 1073741824\r\n\r\n".to_owned(), "413"),
        (
            "a long chunked body",
            format!("POST /sts/exchange HTTP/1.1\r\nHost: sts\r\nTransfer-Encoding: chunked\r\n\r\n1400\r\n{}\r\n0\r\n\r\n", "a".repeat(0x1400)),
            "413",
        ),
    ] {
        let mut stream = stage.connect().await;
        _ = stream.write_all(request.as_bytes()).await;
        let mut head = [0; 13];
        let read = timeout(LONG, stream.read_exact(&mut head)).await.unwrap();
        assert!(read.is_ok() && head.starts_with(format!("HTTP/1.1 {status}").as_bytes()), "{name}: {}", String::from_utf8_lossy(&head));
    }
    assert!(stage.fake.seen.lock().unwrap().is_empty());
}

/// T-051
#[tokio::test]
async fn a_bearer_of_30_kib_still_reaches_the_exchange_which_refuses_it_in_words() {
    let stage = Stage::open().await;
    let dots = ".".repeat(30 << 10);
    assert_eq!(stage.get("/sts/exchange?scope=a&identity=ci", &format!("\r\nAuthorization: Bearer {dots}")).await.status, 200);
    assert!(stage.fake.seen.lock().unwrap()[0].ends_with(&dots));
}

/// T-057: the clock is stopped and jumps from timer to timer.
#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection_in_each_phase() {
    let stage = Stage::open().await;
    for (name, bytes, seconds) in [
        ("nothing", "", 10),
        ("half of the preface", "PRI * HTTP/2.0\r\n", 10),
        ("half of a head", "GET / HTTP/1.1\r\nHost:", 10),
        ("idle after an answer", "GET /healthz HTTP/1.1\r\nHost: sts\r\n\r\n", 60),
        ("half of a body", "POST /sts/exchange HTTP/1.1\r\nHost: sts\r\nContent-Length: 10\r\n\r\na", 10),
        ("a preface and nothing behind it", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 30),
    ] {
        let mut stream = stage.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let began = tokio::time::Instant::now();
        let mut text = Vec::new();
        timeout(Duration::from_mins(2), stream.read_to_end(&mut text)).await.unwrap_or_else(|_| panic!("{name}: stays open")).ok();
        let took = began.elapsed().as_secs();
        assert!((seconds..=seconds + 6).contains(&took), "{name}: closed after {took} s");
    }
}

/// T-057: one byte now and then does not keep a head open.
#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_cut_off() {
    let stage = Stage::open().await;
    let mut stream = stage.connect().await;
    let began = tokio::time::Instant::now();
    for byte in "GET / HTTP/1.1\r\nHost: sts\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut one = [0; 1];
        if matches!(timeout(Duration::from_millis(1), stream.read(&mut one)).await, Ok(Ok(0) | Err(_))) {
            break;
        }
    }
    let took = began.elapsed().as_secs();
    assert!((9..=16).contains(&took), "{took}");
}
