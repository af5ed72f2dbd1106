//! Work that goes on after its caller has gone: mints nobody waits for any more, and revocations.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, Semaphore};

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

    #[test]
    fn tasks_beyond_the_bound_are_not_started() {
        let background = Background::default();
        let tasks: Vec<_> = (0..AT_MOST).map(|_| background.begin().unwrap()).collect();
        assert!(background.begin().is_none());
        drop(tasks);
        assert!(background.begin().is_some());
    }
}
