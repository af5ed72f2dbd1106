//! Work that goes on after its caller has gone: mints nobody waits for any more, and revocations.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore},
};
use tracing::Instrument as _;

/// How many revocations are sent at a time.
const AT_A_TIME: usize = 32;
/// How many tasks there may be; one more is not started.
const AT_MOST: usize = 10_000;

/// Counts what runs, so that a shutdown can wait for it.
#[derive(Debug)]
pub(crate) struct Background {
    running: Arc<Running>,
    pub(crate) revocations: Semaphore,
}

#[derive(Debug, Default)]
struct Running {
    tasks: AtomicUsize,
    idle: Notify,
}

/// Work that runs to its end: in the task of whoever waits for it, and in one of its own once nobody does.
///
/// Nearly every caller waits, and then it costs no task. Its output is dropped where nobody waits any more.
pub struct ToItsEnd<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> ToItsEnd<T> {
    /// Nothing runs before this is polled or dropped.
    pub fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work.in_current_span())))
    }
}

impl<T: Send + 'static> Future for ToItsEnd<T> {
    type Output = T;

    /// Work that panics is gone. Nobody polls what has ended.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(mut work) = self.0.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for ToItsEnd<T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

impl<T: Send + 'static> fmt::Debug for ToItsEnd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToItsEnd").field(&self.0.is_some()).finish()
    }
}

/// One task; it counts as running until this is dropped.
#[derive(Debug)]
pub(crate) struct Task(Arc<Running>);

impl Default for Background {
    fn default() -> Self {
        Self { running: Arc::default(), revocations: Semaphore::new(AT_A_TIME) }
    }
}

impl Background {
    /// Registers a task; `None` when there are too many.
    pub(crate) fn begin(&self) -> Option<Task> {
        let task = Task(Arc::clone(&self.running));
        // The task counts itself out when it is dropped, here as well.
        (self.running.tasks.fetch_add(1, Ordering::AcqRel) < AT_MOST).then_some(task)
    }

    pub(crate) async fn settled(&self, within: Duration) -> bool {
        let idle = async {
            loop {
                let idle = self.running.idle.notified();
                if self.running.tasks.load(Ordering::Acquire) == 0 {
                    return;
                }
                idle.await;
            }
        };
        tokio::time::timeout(within, idle).await.is_ok()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.0.tasks.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shutdown_waits_for_the_last_task() {
        let background = Background::default();
        assert!(background.settled(Duration::ZERO).await);
        let task = background.begin().unwrap();
        assert!(!background.settled(Duration::from_millis(5)).await);
        let (settled, ()) = tokio::join!(background.settled(Duration::from_secs(5)), async { drop(task) });
        assert!(settled);
    }

    #[tokio::test]
    async fn work_ends_whether_or_not_somebody_waits() {
        assert_eq!(ToItsEnd::new(async { 7 }).await, 7);
        for polls in [0, 1] {
            let (go, gone) = tokio::sync::oneshot::channel::<()>();
            let (tell, told) = tokio::sync::oneshot::channel();
            let mut work = ToItsEnd::new(async move {
                gone.await.unwrap();
                tell.send(()).unwrap();
            });
            if polls == 1 {
                assert!(tokio::time::timeout(Duration::from_millis(5), &mut work).await.is_err());
            }
            drop(work);
            go.send(()).unwrap();
            told.await.unwrap();
        }
    }

    #[test]
    fn tasks_beyond_the_bound_are_not_started() {
        let background = Background::default();
        let tasks: Vec<_> = (0..AT_MOST).map(|_| background.begin().unwrap()).collect();
        assert!(background.begin().is_none());
        drop(tasks);
        assert!(background.begin().is_some());
    }
}
