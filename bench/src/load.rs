//! A load on the service: HTTP/1.1 over kept connections, with nothing between the clock and the socket.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Requests, ready to be written, each with a token of its own.
#[derive(Clone)]
pub(crate) struct Requests {
    pub(crate) port: u16,
    all: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
}

/// What a load brought.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Time from when a request was due to when its answer was there, in the order of arrival.
    pub(crate) latencies: Vec<Duration>,
    /// Answers that are not 200.
    pub(crate) failed: usize,
    /// The first of them.
    pub(crate) first_failure: Option<String>,
    /// How long the load lasted.
    pub(crate) lasted: Duration,
}

impl Requests {
    /// One request for each token.
    pub(crate) fn new(port: u16, target: &str, tokens: &[String]) -> Self {
        let request = |token: &String| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes();
        Self::of(port, tokens.iter().map(request).collect())
    }

    /// These requests, as they are.
    pub(crate) fn of(port: u16, all: Vec<Vec<u8>>) -> Self {
        Self { port, all: all.into(), next: Arc::default() }
    }

    fn next(&self) -> &[u8] {
        &self.all[self.next.fetch_add(1, Ordering::Relaxed) % self.all.len()]
    }
}

/// Closed loop: each of `connections` sends its next request when it has its answer.
pub(crate) async fn closed(requests: &Requests, connections: usize, lasting: Duration) -> Result<Outcome> {
    let started = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let requests = requests.clone();
            tokio::spawn(async move {
                let mut connection = Connection::open(requests.port).await?;
                let mut outcome = Outcome::default();
                while started.elapsed() < lasting {
                    let due = Instant::now();
                    outcome.count(connection.exchange(requests.next()).await?, due, &connection);
                }
                Ok(outcome)
            })
        })
        .collect();
    merged(workers, started).await
}

/// Open loop: requests are due at an even rate whether or not earlier ones are answered, so that a slow answer does not
/// hide the wait of those behind it.
pub(crate) async fn open(requests: &Requests, connections: usize, per_second: u32, lasting: Duration) -> Result<Outcome> {
    let started = Instant::now() + Duration::from_millis(50);
    let due = Arc::new(AtomicUsize::new(0));
    let total = (lasting.as_secs_f64() * f64::from(per_second)) as usize;
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (requests, due) = (requests.clone(), Arc::clone(&due));
            tokio::spawn(async move {
                let mut connection = Connection::open(requests.port).await?;
                let mut outcome = Outcome::default();
                loop {
                    let at = due.fetch_add(1, Ordering::Relaxed);
                    if at >= total {
                        return Ok(outcome);
                    }
                    let when = started + Duration::from_secs_f64(at as f64 / f64::from(per_second));
                    tokio::time::sleep_until(when.into()).await;
                    // The timer's own lateness is ours, not the service's: the clock starts when the request can leave.
                    let sent = Instant::now();
                    let late = sent.saturating_duration_since(when);
                    let from = if late < Duration::from_millis(2) { sent } else { when };
                    outcome.count(connection.exchange(requests.next()).await?, from, &connection);
                }
            })
        })
        .collect();
    merged(workers, started).await
}

/// One request on a connection of its own.
pub(crate) async fn once(requests: &Requests) -> Result<(u16, Duration)> {
    let mut connection = Connection::open(requests.port).await?;
    let started = Instant::now();
    let status = connection.exchange(requests.next()).await?;
    Ok((status, started.elapsed()))
}

async fn merged(workers: Vec<tokio::task::JoinHandle<Result<Outcome>>>, started: Instant) -> Result<Outcome> {
    let mut all = Outcome::default();
    for worker in workers {
        all.add(worker.await??);
    }
    all.lasted = started.elapsed();
    Ok(all)
}

impl Outcome {
    fn count(&mut self, status: u16, since: Instant, connection: &Connection) {
        self.latencies.push(since.elapsed());
        if status != 200 {
            self.failed += 1;
            self.first_failure.get_or_insert_with(|| connection.last().into_owned());
        }
    }

    /// Adds what another load brought, as if it had come after this one.
    pub(crate) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.failed += other.failed;
        self.first_failure = self.first_failure.take().or(other.first_failure);
        self.lasted += other.lasted;
    }

    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.lasted.as_secs_f64()
    }

    /// The latency that this share of the answers stayed under, in milliseconds.
    pub(crate) fn percentile(&mut self, share: f64) -> f64 {
        self.latencies.sort_unstable();
        let at = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.context("the service does not listen")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024], filled: 0 })
    }

    /// The last answer, as it came.
    fn last(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.buffer[..self.filled])
    }

    /// Writes a request and reads its whole answer; returns the status.
    async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            if read == 0 {
                bail!("the service closed the connection");
            }
            self.filled += read;
            let answer = &self.buffer[..self.filled];
            let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let text = std::str::from_utf8(&answer[..head])?;
            let length: usize = text
                .lines()
                .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
                .map_or(Ok(0), |(_, value)| value.trim().parse())?;
            if self.filled >= head + 4 + length {
                return Ok(text.get(9..12).context("no status line")?.parse()?);
            }
        }
    }
}
