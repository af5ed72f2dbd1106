//! Exchanges that run to their end though their callers have gone.

use std::time::Duration;

use octo_sts_github::ToItsEnd;
use tokio_util::task::TaskTracker;

/// The tasks that exchanges run in.
#[derive(Debug, Default)]
pub(crate) struct Background(TaskTracker);

impl Background {
    /// Work that runs to its end, whoever waits for it; [`Background::settle`] waits for it, too.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> ToItsEnd<T> {
        let counted = self.0.token();
        ToItsEnd::new(async move {
            let _counted = counted;
            work.await
        })
    }

    /// Waits until every task has ended, at most `within`. Returns whether all did.
    pub(crate) async fn settle(&self, within: Duration) -> bool {
        self.0.close();
        let settled = tokio::time::timeout(within, self.0.wait()).await.is_ok();
        self.0.reopen();
        settled
    }
}
