//! News of changed policies, over Redis's publish and subscribe.
//!
//! Redis keeps no message for a subscriber who is away. So a listener is told when he begins to hear and when he may have
//! missed something, and believes in silence only in between. A connection that is silent for long is asked for a sign of life.

use std::time::Duration;

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use octo_sts_types::Repository;
use redis::{
    Client, Msg, RedisResult, Value,
    aio::{PubSubSink, PubSubStream},
};
use tokio::time::{sleep, timeout};

/// The channel. A message is `OWNER/NAME`.
pub(super) const CHANNEL: &str = "octo-sts:policies";
/// How long a connection may take, and a sign of life.
const ANSWER_DEADLINE: Duration = Duration::from_secs(1);
/// How long silence is taken for an absence of news.
const SILENCE: Duration = Duration::from_secs(5);
/// The pause between attempts to connect, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// From here on every change is heard.
    Listening,
    /// A policy of this repository changed.
    Changed(Repository),
    /// From here on changes may go unheard, and up to seven seconds before it.
    Lost,
}

enum State {
    Away { pause: Duration },
    Listening(PubSubSink, PubSubStream),
}

pub(super) fn listen(client: Client) -> BoxStream<'static, Heard> {
    let start = (client, State::Away { pause: PAUSES.0 });
    stream::unfold(start, |(client, state)| async move {
        let (heard, state) = match state {
            State::Away { pause } => {
                let (sink, stream) = connect(&client, pause).await;
                (Heard::Listening, State::Listening(sink, stream))
            }
            State::Listening(mut sink, mut stream) => match next(&mut sink, &mut stream).await {
                Some(repository) => (Heard::Changed(repository), State::Listening(sink, stream)),
                None => (Heard::Lost, State::Away { pause: PAUSES.0 }),
            },
        };
        Some((heard, (client, state)))
    })
    .boxed()
}

/// Subscribes, however long it takes.
async fn connect(client: &Client, mut pause: Duration) -> (PubSubSink, PubSubStream) {
    loop {
        if let Ok(Ok(connected)) = timeout(ANSWER_DEADLINE, subscribe(client)).await {
            return connected;
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn subscribe(client: &Client) -> RedisResult<(PubSubSink, PubSubStream)> {
    let (mut sink, stream) = client.get_async_pubsub().await?.split();
    sink.subscribe(CHANNEL).await?;
    Ok((sink, stream))
}

/// The next repository; nothing when the connection broke or gives no sign of life.
async fn next(sink: &mut PubSubSink, stream: &mut PubSubStream) -> Option<Repository> {
    loop {
        match timeout(SILENCE, stream.next()).await {
            Ok(message) => {
                if let Some(repository) = repository(&message?) {
                    return Some(repository);
                }
                tracing::warn!("a message on the channel {CHANNEL} names no repository and is ignored");
            }
            Err(_) => {
                timeout(ANSWER_DEADLINE, sink.ping::<Value>()).await.ok()?.ok()?;
            }
        }
    }
}

fn repository(message: &Msg) -> Option<Repository> {
    std::str::from_utf8(message.get_payload_bytes()).ok()?.parse().ok()
}
