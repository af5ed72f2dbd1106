//! HTTP/2, frame by frame: floods (T-056), and what goes out.

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `GET http://sts/healthz` in HPACK: three indexed fields, and two literals that are not remembered.
const GET: &[u8] = b"\x82\x86\x04\x08/healthz\x01\x03sts";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Sends frames until the server has had enough, at most `most` of them; whether it had, and what it said.
async fn flood(stage: &Stage, most: u32, frames: impl Fn(u32) -> Vec<u8>) -> (bool, Vec<u8>) {
    let (mut reader, mut writer) = stage.connect().await.into_split();
    let said = tokio::spawn(async move {
        let mut said = Vec::new();
        _ = reader.read_to_end(&mut said).await;
        said
    });
    let mut bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    for at in 0..most {
        bytes.extend(frames(at));
        if bytes.len() > 16 << 10 {
            if writer.write_all(&bytes).await.is_err() {
                break;
            }
            bytes.clear();
        }
        if said.is_finished() {
            break;
        }
    }
    _ = writer.write_all(&bytes).await;
    let ended = timeout(Duration::from_secs(3), said).await;
    (ended.is_ok(), ended.map(Result::unwrap).unwrap_or_default())
}

fn says_goaway(said: &[u8]) -> bool {
    let mut rest = said;
    while rest.len() >= 9 {
        let length = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
        if rest[3] == GOAWAY {
            return true;
        }
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    false
}

/// The kinds and flags of the frames of one stream.
fn frames_of(stream: u32, said: &[u8]) -> Vec<(u8, u8)> {
    let (mut rest, mut frames) = (said, Vec::new());
    while rest.len() >= 9 {
        let length = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
        if rest[5..9] == stream.to_be_bytes() {
            frames.push((rest[3], rest[4]));
        }
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    frames
}

#[tokio::test]
async fn an_answer_to_head_is_one_frame_without_data() {
    let stage = Stage::open().await;
    for path in ["/", "/healthz", "/readyz", "/sts/exchange", "/nowhere"] {
        let length = u8::try_from(path.len()).unwrap();
        let head = [b"\x02\x04HEAD\x86\x04".as_slice(), &[length], path.as_bytes(), b"\x01\x03sts"].concat();
        let mut stream = stage.connect().await;
        let request = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(HEADERS, END_HEADERS | END_STREAM, 1, &head)].concat();
        stream.write_all(&request).await.unwrap();
        let (mut said, mut chunk) = (Vec::new(), vec![0; 16 << 10]);
        while let Ok(Ok(length @ 1..)) = timeout(Duration::from_millis(400), stream.read(&mut chunk)).await {
            said.extend_from_slice(&chunk[..length]);
        }
        assert_eq!(frames_of(1, &said), [(HEADERS, END_HEADERS | END_STREAM)], "Input: {path}");
    }
}

async fn others_are_served(stage: &Stage) {
    let began = tokio::time::Instant::now();
    assert_eq!(stage.get("/healthz", "").await.status, 200);
    assert!(began.elapsed() < Duration::from_secs(1));
}

/// T-056
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_opened_and_reset_at_once_end_the_connection() {
    let stage = Stage::open().await;
    let open_and_reset = |at: u32| {
        let stream = 2 * at + 1;
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, GET), frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    };
    let (ended, said) = flood(&stage, 100_000, open_and_reset).await;
    assert!(ended && says_goaway(&said));
    others_are_served(&stage).await;
}

/// T-056: frames that make the server reset the stream itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_the_server_must_reset_end_the_connection() {
    let stage = Stage::open().await;
    let made_to_reset = |at: u32| {
        let stream = 2 * at + 1;
        [frame(HEADERS, END_HEADERS, stream, GET), frame(WINDOW_UPDATE, 0, stream, &0_u32.to_be_bytes())].concat()
    };
    let (ended, said) = flood(&stage, 100_000, made_to_reset).await;
    assert!(ended && says_goaway(&said));
    others_are_served(&stage).await;
}

/// T-056
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_goes_on_and_on_ends_the_connection() {
    let stage = Stage::open().await;
    let header = [&b"\x00\x01x\x7f\x81\x07"[..], &[b'a'; 256]].concat();
    let go_on = |at: u32| if at == 0 { frame(HEADERS, END_STREAM, 1, GET) } else { frame(CONTINUATION, 0, 1, &header) };
    let (ended, _) = flood(&stage, 100_000, go_on).await;
    assert!(ended);
    others_are_served(&stage).await;
}

/// T-056: one header of 4 KiB is put into the table once, and then named a thousand times in a few bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_unpacks_to_megabytes_is_refused() {
    let stage = Stage::open().await;
    // Literal with indexing, name `x`, 3,968 bytes of value; then index 62 again and again.
    let mut head = GET.to_vec();
    head.extend(b"\x40\x01x\x7f\x81\x1e");
    head.extend([b'a'; 3_968]);
    head.extend([0xbe; 4_000]);
    let bomb = |_: u32| frame(HEADERS, END_HEADERS | END_STREAM, 1, &head);
    let mut stream = stage.connect().await;
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &bomb(0)].concat()).await.unwrap();
    let said = read_some(&mut stream).await;
    assert!(!said.contains("alive"), "{said:?}");
    others_are_served(&stage).await;
}

/// T-056
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_streams_than_allowed_are_refused_not_queued() {
    let stage = Stage::open().await;
    let (ended, _) = flood(&stage, 2_000, |at| frame(HEADERS, END_HEADERS, 2 * at + 1, GET)).await;
    assert!(ended, "refusing streams without end is a reset flood, too");
    others_are_served(&stage).await;
}

/// T-056
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_frames_cost_others_nothing() {
    let stage = Stage::open().await;
    for (kind, stream, payload) in [(DATA, 1, &[][..]), (SETTINGS, 0, &[][..]), (6, 0, &[0; 8][..])] {
        let frames = |at: u32| if at == 0 { frame(HEADERS, END_HEADERS, 1, GET) } else { frame(kind, 0, stream, payload) };
        flood(&stage, 30_000, frames).await;
        others_are_served(&stage).await;
    }
}
