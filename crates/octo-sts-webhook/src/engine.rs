//! One piece of work, from the lists of files to the check run.
//!
//! What was done stays with the job: when GitHub fails halfway, the next try goes on from there.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use octo_sts_audit::PolicyEvent;
use octo_sts_github::{CheckRun, CheckRunId, Conclusion, GitHub, GitHubError, Trace};
use octo_sts_policy::ParseOptions;
use tokio::sync::oneshot;

use crate::{
    WebhookParts, WebhookSettings,
    access::{Access, Accesses},
    bounds::{Bounds, Brought, KnownBounds},
    change::Change,
    discover::Discovery,
    job::{Base, Work},
    judge::{Judged, Rules, Side, Versions},
    known::Claim,
    landed,
    markdown::code,
    policy_path::policy_file,
    reach::Reach,
    reader::{Reader, links, planned},
    report::Report,
};

/// The longest one try takes.
const DEADLINE: Duration = Duration::from_mins(5);
/// How many files are read at a time.
const READS: usize = 8;
/// For this many tries, what GitHub does not know may be what it does not know yet: deliveries overtake its replicas.
const NOT_YET: u32 = 2;

/// One piece of work on its way, with what is done of it.
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) claim: Claim,
    /// How often it was tried.
    pub(crate) tries: u32,
    pub(crate) answer: Option<oneshot::Sender<Ended>>,
    judged: bool,
    run: Option<Box<CheckRun>>,
    events: Vec<PolicyEvent>,
    /// The check run at GitHub, and how many calls it took so far.
    posted: Option<(CheckRunId, usize)>,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Checked(Conclusion),
    /// There was nothing to judge.
    NothingToCheck,
    /// The App is not installed there under this id.
    NotOurs,
}

/// Why a job did not end.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// GitHub limits or fails: later.
    Later(GitHubError),
    /// It will not get better.
    Never(GitHubError),
}

impl Job {
    pub(crate) fn new(work: Work, claim: Claim, answer: Option<oneshot::Sender<Ended>>) -> Self {
        Self { work, claim, tries: 0, answer, judged: false, run: None, events: Vec::new(), posted: None }
    }
}

/// Does the work.
pub(crate) struct Engine {
    pub(crate) parts: WebhookParts,
    pub(crate) settings: WebhookSettings,
    pub(crate) accesses: Accesses,
    pub(crate) bounds: KnownBounds,
}

impl Engine {
    pub(crate) async fn run(&self, job: &mut Job) -> Result<Ended, Trouble> {
        let outcome = self.attempt(job).await;
        outcome.map_err(|error| {
            if matches!(error, GitHubError::TokenRefused | GitHubError::Forbidden { .. }) {
                self.accesses.forget(&job.work.repository);
            }
            trouble(error, job.tries)
        })
    }

    async fn attempt(&self, job: &mut Job) -> Result<Ended, GitHubError> {
        let trace = Trace::until(self.parts.clock.monotonic() + DEADLINE);
        let Some(access) = self.accesses.of(&job.work.repository, job.work.installation, &trace).await? else { return Ok(Ended::NotOurs) };
        if !job.judged {
            self.judge(job, &access, &trace).await?;
            job.judged = true;
        }
        for event in job.events.drain(..) {
            self.parts.audit.record_policy(event).await;
        }
        let Some(run) = &job.run else { return Ok(Ended::NothingToCheck) };
        post(&self.parts.github, &access, &job.work, run, &mut job.posted, &trace).await?;
        Ok(Ended::Checked(run.conclusion))
    }

    async fn judge(&self, job: &mut Job, access: &Access, trace: &Trace) -> Result<(), GitHubError> {
        let started_at = self.parts.clock.now();
        let work = &job.work;
        let discovery = Discovery { github: &self.parts.github, access, work, trace };
        let mut change = discovery.change().await?;
        change.retain(|path| policy_file(path, &work.repository, &self.settings.policy_repository).is_some());
        if change.is_empty() && change.is_whole() {
            return Ok(());
        }
        let versions = self.read(&change, job.tries, work, access, trace).await?;
        let mut judged = self.judge_all(versions, work).await;
        let mut reach = Reach::new(&self.parts.github, access, self.accesses.apps(&work.repository.owner), &work.repository, trace);
        let bounds = self.bounds(&judged, work, access, trace).await?;
        for judged in judged.iter_mut().filter(|judged| judged.versions.touched) {
            reach.look(judged).await?;
            bounds.look(judged);
        }
        let now = self.parts.clock.now();
        if let Some(landed) = &work.landed {
            job.events = landed::events(work, landed, &judged, now);
        }
        let removals_alone = judged.iter().all(|judged| judged.versions.head == Side::Absent && judged.findings.is_empty());
        if !removals_alone || !change.is_whole() {
            let report = Report { judged: &judged, whole: change.is_whole(), base: base(&work.base) };
            job.run = Some(Box::new(report.check_run(&work.head, started_at, now)));
        }
        Ok(())
    }

    /// What bounds the policies of a change; nothing is read where there are none.
    async fn bounds(&self, judged: &[Judged], work: &Work, access: &Access, trace: &Trace) -> Result<Arc<Bounds>, GitHubError> {
        if !judged.iter().any(|judged| judged.versions.touched && judged.after.is_some()) {
            return Ok(Arc::default());
        }
        let (owner, clock) = (&work.repository.owner, &*self.parts.clock);
        let brought = Brought::by(judged);
        if let Some(known) = self.bounds.of(owner, clock).filter(|_| brought.is_nothing()) {
            return Ok(known);
        }
        let WebhookSettings { policy_repository, guardrails, .. } = &self.settings;
        let (github, repository) = (&self.parts.github, &work.repository);
        let bounds = Arc::new(Bounds::read(github, access, repository, policy_repository, guardrails.as_ref(), brought, trace).await?);
        if brought.is_nothing() {
            self.bounds.remember(owner, &bounds, clock);
        }
        Ok(bounds)
    }

    /// Reads every file before and after, with its test cases.
    async fn read(&self, change: &Change, tries: u32, work: &Work, access: &Access, trace: &Trace) -> Result<Vec<Versions>, GitHubError> {
        let links = if self.settings.strict_policy_files { links(&self.parts.github, work, access, trace).await? } else { HashSet::new() };
        let reader = Reader { github: &self.parts.github, access, work, trace, may_lag: tries < NOT_YET, links };
        let planned = planned(change, |path| policy_file(path, &work.repository, &self.settings.policy_repository));
        let reads = planned.into_iter().map(|planned| reader.versions(planned));
        stream::iter(reads).buffered(READS).try_collect().await
    }

    /// Judges away from the threads that answer: a hostile file costs its own check alone.
    async fn judge_all(&self, versions: Vec<Versions>, work: &Work) -> Vec<Judged> {
        let options = ParseOptions { org_permissions: self.settings.org_permissions, owner: Some(work.repository.owner.clone()) };
        let rules = Rules { repository: work.repository.clone(), options, default_audiences: self.settings.default_audiences.clone() };
        let judging = tokio::task::spawn_blocking(move || versions.into_iter().map(|versions| rules.judge(versions)).collect());
        match judging.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(judged) => judged,
            // The engine panicked: that is no verdict, and no policy is called valid for it. The job's claim fails.
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(Err(_)) => std::future::pending().await,
        }
    }
}

async fn post(
    github: &GitHub,
    access: &Access,
    work: &Work,
    run: &CheckRun,
    posted: &mut Option<(CheckRunId, usize)>,
    trace: &Trace,
) -> Result<(), GitHubError> {
    let (id, mut calls) = match *posted {
        Some(posted) => posted,
        None => (github.create_check_run(&access.token, &work.repository, run, trace).await?, 1),
    };
    *posted = Some((id, calls));
    while calls < run.calls() {
        github.annotate_check_run(&access.token, &work.repository, id, run, calls, trace).await?;
        calls += 1;
        *posted = Some((id, calls));
    }
    Ok(())
}

/// What a change is compared with, in Markdown.
fn base(base: &Base) -> String {
    match base {
        Base::Commit(commit) => code(&commit.as_str()[..7]),
        Base::DefaultBranch => "the default branch".to_owned(),
    }
}

/// Whether a failure may pass. What GitHub forbids or refuses stays so; what it does not know, it may not know yet.
fn trouble(error: GitHubError, tries: u32) -> Trouble {
    match &error {
        GitHubError::NotFound | GitHubError::Unprocessable { .. } if tries < NOT_YET => Trouble::Later(error),
        GitHubError::NotFound | GitHubError::Unprocessable { .. } | GitHubError::Forbidden { .. } | GitHubError::Suspended | GitHubError::Moved => {
            Trouble::Never(error)
        }
        _ => Trouble::Later(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_passes_and_a_refusal_does_not() {
        let limited = GitHubError::RateLimited { kind: octo_sts_github::Limit::Primary, retry_after: None };
        assert!(matches!(trouble(limited, 20), Trouble::Later(_)));
        assert!(matches!(trouble(GitHubError::NotFound, 0), Trouble::Later(_)));
        assert!(matches!(trouble(GitHubError::NotFound, NOT_YET), Trouble::Never(_)));
        assert!(matches!(trouble(GitHubError::Suspended, 0), Trouble::Never(_)));
    }
}
