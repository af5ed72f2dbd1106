//! The queue behind the answers, and the patience with GitHub.
//!
//! A job that fails because GitHub limits or fails waits and is tried again, up to 24 times over some four hours. Jobs in the
//! queue, jobs that wait, and jobs in work are all bounded. What is given up counts as failed: a redelivery is handled.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use octo_sts_github::{Conclusion, GitHubError};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
};
use tracing::Instrument as _;

use crate::{
    engine::{Ended, Engine, Job, Trouble},
    known::Deliveries,
};

/// How often a job is tried.
const MOST_TRIES: u32 = 24;
/// The longest pause that we choose; GitHub may ask for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// How often tokens are looked through for those that are no longer used.
const SWEEP: Duration = Duration::from_mins(1);

/// What the tasks of a webhook share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) queue: mpsc::Sender<Job>,
    pub(crate) ending: watch::Sender<bool>,
    workers: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// The deliveries that were given up because the service ends.
    left: Mutex<Vec<String>>,
}

/// Ends the work at shutdown.
pub struct WebhookWorker {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

impl Shared {
    /// The shared parts, and the tasks that work on the queue.
    pub(crate) fn start(engine: Engine) -> (Arc<Self>, WebhookWorker) {
        let (queue, jobs) = mpsc::channel(engine.settings.queue.max(1));
        let workers = Arc::new(Semaphore::new(engine.settings.workers.max(1)));
        let waiting = Arc::new(Semaphore::new(engine.settings.waiting));
        let (ending, _) = watch::channel(false);
        let shared = Arc::new(Self { engine, deliveries: Arc::default(), queue, ending, workers, waiting, left: Mutex::default() });
        let tasks = [tokio::spawn(dispatch(Arc::clone(&shared), jobs)), tokio::spawn(sweep(Arc::clone(&shared)))];
        let worker = WebhookWorker { shared: Arc::clone(&shared), tasks };
        (shared, worker)
    }

    async fn handle(self: Arc<Self>, mut job: Job) {
        let outcome = self.engine.run(&mut job).await;
        job.tries += 1;
        match outcome {
            Ok(ended) => end(job, ended),
            Err(Trouble::Later(error)) if job.tries < MOST_TRIES => self.try_later(job, &error),
            Err(Trouble::Later(error) | Trouble::Never(error)) => give_up(&job, &error),
        }
    }

    /// Lets a job wait. A service that ends does not wait: it says what it leaves.
    fn try_later(self: Arc<Self>, job: Job, error: &GitHubError) {
        let grown = self.engine.settings.first_pause.saturating_mul(1 << (job.tries - 1).min(20)).min(LONGEST_PAUSE);
        let pause = error.retry_after().unwrap_or_default().max(grown);
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else { return give_up(&job, error) };
        if *self.ending.borrow() {
            lock(&self.left).push(job.claim.label().to_owned());
            return give_up(&job, error);
        }
        let seconds = pause.as_secs();
        tracing::warn!(seconds, tries = job.tries, error = error as &dyn std::error::Error, "GitHub is not ready for this check; it is made later");
        metrics::counter!("octo_sts_webhook_retries_total").increment(1);
        let mut ending = self.ending.subscribe();
        let wait = async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // One last try before the end.
                _ = ending.wait_for(|ending| *ending) => {}
            }
            drop(place);
            // The queue is closed only when everything ends; the job's claim fails then.
            let _ = self.queue.send(job).await;
        };
        tokio::spawn(wait.in_current_span());
    }
}

/// The claim fails with the job, so that the delivery may come again.
fn give_up(job: &Job, error: &GitHubError) {
    metrics::counter!("octo_sts_webhook_checks_total", "outcome" => "given_up").increment(1);
    let error = error as &dyn std::error::Error;
    tracing::error!(tries = job.tries, error, "a check is given up; redeliver the delivery, or re-run the check, when the cause is gone");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn dispatch(shared: Arc<Shared>, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.recv().await {
        metrics::gauge!("octo_sts_webhook_queue").set(f64::from(u32::try_from(jobs.len()).unwrap_or(u32::MAX)));
        // The semaphore is never closed.
        let Ok(turn) = Arc::clone(&shared.workers).acquire_owned().await else { return };
        let span = tracing::info_span!("webhook_job", delivery = job.claim.label(), repository = %job.work.repository, head = %job.work.head);
        let shared = Arc::clone(&shared);
        let work = async move {
            shared.handle(job).await;
            drop(turn);
        };
        tokio::spawn(work.instrument(span));
    }
}

async fn sweep(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        shared.engine.accesses.forget_old();
    }
}

fn end(mut job: Job, ended: Ended) {
    let word = match ended {
        Ended::Checked(Conclusion::Success) => "success",
        Ended::Checked(_) => "failure",
        Ended::NothingToCheck => "nothing",
        Ended::NotOurs => "not_ours",
    };
    metrics::counter!("octo_sts_webhook_checks_total", "outcome" => word).increment(1);
    tracing::info!(outcome = word, "a delivery is handled");
    if let Some(answer) = job.answer.take() {
        // Nobody waits for it any more after the answer went out.
        let _ = answer.send(ended);
    }
    job.claim.done();
}

impl WebhookWorker {
    /// Finishes what was accepted. New deliveries are answered 503; what waits for GitHub is tried once more.
    ///
    /// Returns the ids of the deliveries that are not done after `within`: they have to be delivered again.
    pub async fn finish(self, within: Duration) -> Vec<String> {
        self.shared.ending.send_replace(true);
        let idle = tokio::time::timeout(within, self.shared.deliveries.idle()).await;
        self.tasks.iter().for_each(JoinHandle::abort);
        let mut left = std::mem::take(&mut *lock(&self.shared.left));
        if idle.is_err() {
            left.extend(self.shared.deliveries.in_progress().iter().map(|id| id.as_str().to_owned()));
        }
        for id in &left {
            tracing::error!(delivery = id, "the service ends before this delivery is handled; redeliver it");
        }
        self.shared.engine.accesses.forget_all();
        left
    }
}

impl std::fmt::Debug for WebhookWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookWorker").finish_non_exhaustive()
    }
}
