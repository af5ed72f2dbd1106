//! One connection, from its first byte to its last.

use std::{net::IpAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::server::conn::{http1, http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tracing::debug;

use super::{
    activity::{Activity, HEAD, Verdict},
    phase::Phase,
    sniff::{Speaks, sniff},
    watched::Watched,
};
use crate::service::{Service, Shared};

/// The longest block of headers, in bytes.
pub(crate) const LONGEST_HEAD: usize = 32 << 10;
/// How many HTTP/2 streams one connection may have at a time.
const STREAMS: u32 = 128;
/// How many streams a peer may open and reset, or make us reset, before the connection ends.
const RESETS: usize = 64;
/// How often an HTTP/2 peer is asked whether it is there, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
/// How long a connection that was told to end may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves a stream until it ends, does nothing for too long, or the service goes down.
pub(super) async fn serve<S>(mut stream: S, peer: IpAddr, shared: Arc<Shared>, phase: watch::Receiver<Phase>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Ok(Ok(Some((first, speaks)))) = timeout(HEAD, sniff(&mut stream)).await else { return };
    let activity = Arc::new(Activity::new(Instant::now()));
    let service = Service::new(shared, peer, Arc::clone(&activity));
    match speaks {
        Speaks::Http1 => serve_http1(stream, first, service, activity, phase).await,
        Speaks::Http2 => serve_http2(stream, first, service, activity, phase).await,
    }
}

async fn serve_http1<S>(stream: S, first: Bytes, service: Service, activity: Arc<Activity>, phase: watch::Receiver<Phase>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Watched::http1(stream, first, Arc::clone(&activity)));
    let mut builder = http1::Builder::new();
    // The supervisor below times the head, and tells an idle connection from one that is slow.
    // Names are written as upstream writes them: some clients look for `Content-Type` and not for `content-type`.
    builder.title_case_headers(true).header_read_timeout(None).max_header_size(LONGEST_HEAD).max_buf_size(LONGEST_HEAD + (8 << 10));
    drive(builder.serve_connection(io, service), &activity, phase, false).await;
}

async fn serve_http2<S>(stream: S, first: Bytes, service: Service, activity: Arc<Activity>, phase: watch::Receiver<Phase>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Watched::http2(stream, first, Arc::clone(&activity)));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX))
        .max_send_buf_size(64 << 10)
        .keep_alive_interval(PING.0)
        .keep_alive_timeout(PING.1);
    drive(builder.serve_connection(io, service), &activity, phase, true).await;
}

/// Polls the connection and supervises it. `multiplexed` connections are told at once when the service drains; others are
/// told by the `Connection: close` of their next answer.
async fn drive<C>(connection: C, activity: &Activity, mut phase: watch::Receiver<Phase>, multiplexed: bool)
where
    C: GracefulConnection,
    C::Error: std::fmt::Display,
{
    let mut connection = pin!(connection);
    let mut look = pin!(sleep_until(Instant::now() + HEAD));
    let mut leaving = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "connection ended");
                }
                return;
            }
            changed = phase.changed() => {
                let current = *phase.borrow_and_update();
                if changed.is_err() || current == Phase::Ended {
                    return;
                }
                if !leaving && (current == Phase::Closing || (multiplexed && current == Phase::Draining)) {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
            () = look.as_mut() => match activity.verdict(Instant::now()) {
                Verdict::Wait(until) => look.as_mut().reset(until),
                Verdict::Idle if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                    look.as_mut().reset(Instant::now() + FAREWELL);
                }
                Verdict::Idle | Verdict::Stuck => return,
            }
        }
    }
}
