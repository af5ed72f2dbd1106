//! Exchanges that run to their end though their callers have gone.

use std::time::Duration;

use tokio_util::task::TaskTracker;

/// The tasks that exchanges run in.
#[derive(Debug, Default)]
pub(crate) struct Background(TaskTracker);

impl Background {
    /// Runs `task` to its end; [`Background::settle`] waits for it.
    pub(crate) fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(task);
    }

    /// Waits until every task has ended, at most `within`. Returns whether all did.
    pub(crate) async fn settle(&self, within: Duration) -> bool {
        self.0.close();
        let settled = tokio::time::timeout(within, self.0.wait()).await.is_ok();
        self.0.reopen();
        settled
    }
}
