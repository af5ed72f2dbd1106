//! Deliveries, from their headers to the queue.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use octo_sts_github::Conclusion;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Accepted, WebhookParts, WebhookSettings,
    access::Accesses,
    body,
    bounds::KnownBounds,
    engine::{Ended, Engine, Job},
    job::{News, Work},
    known::{Claim, DeliveryId},
    payload::{self, Told},
    worker::{Shared, WebhookWorker},
};

/// Longest body of a delivery, in bytes: GitHub sends no more than 25 MB.
pub const MOST_BODY: usize = 25 * 1024 * 1024;
/// A payload of this size is read on a thread of its own.
const LARGE: usize = 256 * 1024;
/// The longest a replay takes.
const REPLAY: Duration = Duration::from_mins(10);

/// Takes deliveries. Cheap to clone.
#[derive(Clone)]
pub struct Webhook(Arc<Shared>);

impl Webhook {
    /// Starts the tasks that work on deliveries; needs a running Tokio runtime.
    pub fn start(settings: WebhookSettings, parts: WebhookParts) -> (Self, WebhookWorker) {
        let accesses = Accesses::new(parts.github.clone(), Arc::clone(&parts.apps), Arc::clone(&parts.clock));
        let (shared, worker) = Shared::start(Engine { parts, settings, accesses, bounds: KnownBounds::default() });
        (Self(shared), worker)
    }

    /// Answers a delivery: its signature is checked, what it says is read and told to the caches, its work is queued.
    ///
    /// Returns as soon as the work is done, or after the settings' patience; then the work goes on behind the answer.
    pub async fn accept(&self, headers: &HeaderMap, body: Bytes) -> Accepted {
        let began = self.0.engine.parts.clock.monotonic();
        let event = header(headers, "x-github-event").unwrap_or_default();
        let accepted = self.take(headers, event, body).await;
        let took = self.0.engine.parts.clock.monotonic().saturating_duration_since(began);
        metrics::histogram!("octo_sts_webhook_answer_seconds").record(took.as_secs_f64());
        let status = accepted.status.as_u16().to_string();
        metrics::counter!("octo_sts_webhook_deliveries_total", "event" => payload::label(event), "status" => status).increment(1);
        accepted
    }

    async fn take(&self, headers: &HeaderMap, event: &str, body: Bytes) -> Accepted {
        if body.len() > MOST_BODY {
            return Accepted::new(StatusCode::PAYLOAD_TOO_LARGE, "a delivery has 25 MiB at the most");
        }
        if !self.0.engine.settings.secrets.verify(headers, &body) {
            return Accepted::new(StatusCode::UNAUTHORIZED, "not signed with a secret of this service (X-Hub-Signature-256)");
        }
        if event.is_empty() {
            return Accepted::bad("there is no X-GitHub-Event");
        }
        let id = match header(headers, "x-github-delivery").map(DeliveryId::parse) {
            Some(None) => return Accepted::bad("X-GitHub-Delivery is not the id of a delivery"),
            id => id.flatten(),
        };
        let payload = match body::payload(headers, &body) {
            Ok(payload) => payload,
            Err(error) => return Accepted::bad(error.to_string()),
        };
        let payload = if payload.len() == body.len() { body.clone() } else { Bytes::from(payload.into_owned()) };
        self.follow(event, id, payload, self.0.engine.settings.patience).await
    }

    /// Handles a saved payload as if it had just been delivered, whoever signed it, and waits until that is done.
    pub async fn replay(&self, event: &str, payload: Bytes) -> Accepted {
        self.follow(event, None, payload, REPLAY).await
    }

    async fn follow(&self, event: &str, id: Option<DeliveryId>, payload: Bytes, patience: Duration) -> Accepted {
        let told = match read(event, payload).await {
            Ok(told) => told,
            Err(error) => return Accepted::bad(error.to_string()),
        };
        let wanted = &self.0.engine.settings.organisations;
        if let Some(owner) = told.owner.as_ref().filter(|owner| !wanted.is_empty() && !wanted.contains(owner)) {
            tracing::debug!(%owner, "a delivery of an account that the filter leaves out");
            return Accepted::noted("this account's deliveries are not followed");
        }
        for news in &told.news {
            self.tell(news).await;
        }
        match told.work {
            Some(work) => self.queue(work, id, patience).await,
            None => without_work(&told),
        }
    }

    async fn tell(&self, news: &News) {
        match news {
            News::Installation(owner) => {
                self.0.engine.accesses.forget_owner(owner);
                self.0.engine.bounds.forget(owner);
            }
            News::Policies(repository) if repository.name == self.0.engine.settings.policy_repository => {
                self.0.engine.bounds.forget(&repository.owner);
            }
            News::Policies(_) | News::Pushes(_) => {}
        }
        for caches in &self.0.engine.parts.caches {
            match news {
                News::Policies(repository) => caches.policy_changed(repository).await,
                News::Pushes(repository) => caches.pushes_arrive(repository).await,
                News::Installation(owner) => caches.installation_changed(owner).await,
            }
        }
    }

    async fn queue(&self, work: Work, id: Option<DeliveryId>, patience: Duration) -> Accepted {
        if *self.0.ending.borrow() {
            return Accepted::new(StatusCode::SERVICE_UNAVAILABLE, "the service ends; deliver it again");
        }
        let Some(claim) = self.0.deliveries.claim(id, self.0.engine.parts.clock.monotonic()) else {
            return Accepted::noted("this delivery is known already");
        };
        match self.enqueue(work, claim) {
            Ok(ended) => tokio::time::timeout(patience, ended)
                .await
                .map_or_else(|_| Accepted::handled("accepted: the check follows"), |ended| answer(ended.ok())),
            Err(refused) => refused,
        }
    }

    fn enqueue(&self, work: Work, claim: Claim) -> Result<oneshot::Receiver<Ended>, Accepted> {
        let (answer, ended) = oneshot::channel();
        let job = Job::new(work, claim, Some(answer));
        self.0.queue.try_send(job).map(|()| ended).map_err(|error| {
            let text = match error {
                mpsc::error::TrySendError::Full(_) => "the queue is full; deliver it again later",
                mpsc::error::TrySendError::Closed(_) => "the service ends; deliver it again",
            };
            tracing::warn!("a delivery is not accepted: {text}");
            Accepted::new(StatusCode::SERVICE_UNAVAILABLE, text)
        })
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\0"))
}

/// Reads a payload; a large one away from the threads that answer.
async fn read(event: &str, payload: Bytes) -> Result<Told, payload::BadPayload> {
    if payload.len() < LARGE {
        return payload::read(event, &payload);
    }
    let event = event.to_owned();
    let reading = tokio::task::spawn_blocking(move || payload::read(&event, &payload));
    match reading.await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(told) => told,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime ends, and this task with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

fn without_work(told: &Told) -> Accepted {
    if told.handled { Accepted::handled(told.answer) } else { Accepted::noted(told.answer) }
}

/// `None`: the job was given up. Its delivery failed, and may come again.
fn answer(ended: Option<Ended>) -> Accepted {
    match ended {
        Some(Ended::Checked(Conclusion::Success)) => Accepted::handled("checked: success"),
        Some(Ended::Checked(_)) => Accepted::handled("checked: failure"),
        Some(Ended::NothingToCheck) => Accepted::handled("there is nothing to check"),
        Some(Ended::NotOurs) => Accepted::noted("the App is not installed there under this id"),
        None => Accepted::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "GitHub does not let the check be made, and the service's log says why; redeliver it when that is mended",
        ),
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("settings", &self.0.engine.settings).finish_non_exhaustive()
    }
}
