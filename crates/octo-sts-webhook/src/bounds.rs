//! What the organisation, and the operator, make of a policy: the issuer allowlist and guardrails in force.
//!
//! An organisation's guardrails count where it has an allowlist, as they do for an exchange.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use octo_sts_github::{FileRead, GitHub, GitHubError, InstallationToken, Trace};
use octo_sts_policy::{Finding as Bound, Guardrails, IssuerAllowlist, Mode, Requirement, TrustPolicy};
use octo_sts_types::{Clock, Issuer, Owner, Repository, RepositoryName};

use crate::{
    access::Access,
    finding::{Finding, line_of},
    judge::{Judged, Side},
    policy_path::PolicyFile,
};

/// How long bounds are used without reading them again.
const USED_FOR: Duration = Duration::from_secs(30);
/// Of how many accounts they are remembered at the most.
const MOST: usize = 1_000;

/// What was read of late.
#[derive(Default)]
pub(crate) struct KnownBounds(Mutex<HashMap<Owner, (Arc<Bounds>, Instant)>>);

impl KnownBounds {
    pub(crate) fn of(&self, owner: &Owner, clock: &dyn Clock) -> Option<Arc<Bounds>> {
        let known = self.lock();
        let (bounds, since) = known.get(owner)?;
        (clock.monotonic().saturating_duration_since(*since) < USED_FOR).then(|| Arc::clone(bounds))
    }

    pub(crate) fn remember(&self, owner: &Owner, bounds: &Arc<Bounds>, clock: &dyn Clock) {
        let now = clock.monotonic();
        let mut known = self.lock();
        if known.len() >= MOST {
            known.retain(|_, (_, since)| now.saturating_duration_since(*since) < USED_FOR);
        }
        if known.len() < MOST {
            known.insert(owner.clone(), (Arc::clone(bounds), now));
        }
    }

    pub(crate) fn forget(&self, owner: &Owner) {
        self.lock().remove(owner);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Owner, (Arc<Bounds>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bounds that a change itself touches, as it leaves them.
#[derive(Clone, Copy)]
pub(crate) struct Brought<'a> {
    allowlist: Option<&'a Side>,
    guardrails: Option<&'a Side>,
}

impl<'a> Brought<'a> {
    pub(crate) fn by(change: &'a [Judged]) -> Self {
        let head = |file: &PolicyFile| {
            let mut touched = change.iter().map(|judged| &judged.versions).filter(|versions| versions.touched);
            touched.find(|versions| versions.file == *file).map(|versions| &versions.head)
        };
        Self { allowlist: head(&PolicyFile::Allowlist), guardrails: head(&PolicyFile::Guardrails) }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.allowlist.is_none() && self.guardrails.is_none()
    }
}

/// What bounds the policies of one account.
#[derive(Default)]
pub(crate) struct Bounds {
    allowlist: Option<IssuerAllowlist>,
    guardrails: Vec<Arc<Guardrails>>,
}

impl Bounds {
    /// Reads the files in force, from the default branch of the policy repository; those that the change itself touches count
    /// as it leaves them. Invalid ones are for their own check to report.
    pub(crate) async fn read(
        github: &GitHub,
        access: &Access,
        repository: &Repository,
        policy_repository: &RepositoryName,
        operator: Option<&Arc<Guardrails>>,
        brought: Brought<'_>,
        trace: &Trace,
    ) -> Result<Self, GitHubError> {
        let mut bounds = Self { allowlist: None, guardrails: operator.cloned().into_iter().collect() };
        let place = Repository { owner: repository.owner.clone(), name: policy_repository.clone() };
        let Some(reader) = Reader::open(github, access, repository, &place, trace).await? else { return Ok(bounds) };
        let allowlist = reader.text(IssuerAllowlist::PATH, brought.allowlist, trace).await;
        let guardrails = match &allowlist {
            Ok(Some(_)) => reader.text(Guardrails::PATH, brought.guardrails, trace).await,
            _ => Ok(None),
        };
        reader.close();
        bounds.allowlist = allowlist?.and_then(|text| IssuerAllowlist::parse(&text).ok()).map(|parsed| parsed.value);
        let guardrails = guardrails?.and_then(|text| Guardrails::parse(&text).ok()).map(|parsed| Arc::new(parsed.value));
        bounds.guardrails.extend(guardrails);
        Ok(bounds)
    }

    /// Adds to a valid policy what bounds it.
    pub(crate) fn look(&self, judged: &mut Judged) {
        let Some(policy) = judged.after.clone() else { return };
        let issuer = self.issuer(&policy, judged);
        judged.findings.extend(issuer);
        for guardrails in &self.guardrails {
            let bounds = guardrails.preview(&policy);
            let findings: Vec<_> = bounds.iter().map(|bound| finding(bound, guardrails.mode(), judged)).collect();
            judged.findings.extend(findings);
        }
    }

    fn issuer(&self, policy: &TrustPolicy, judged: &Judged) -> Option<Finding> {
        let (allowlist, Requirement::Exact(issuer)) = (self.allowlist.as_ref()?, policy.issuer()) else { return None };
        let issuer = Issuer::parse(issuer).ok()?;
        if allowlist.admits(&issuer) {
            return None;
        }
        let path = &judged.versions.path;
        let message = format!("The organisation's issuer allowlist does not have `{issuer}`.");
        let finding = match allowlist.mode() {
            Mode::Enforce => Finding::error(path, "issuer not on the allowlist", message),
            Mode::Audit => Finding::warning(path, "issuer not on the allowlist", message),
        };
        Some(
            finding
                .with_hint(format!("add it to `{}` in the policy repository first", IssuerAllowlist::PATH))
                .at_line(line_of(judged.text(), "issuer")),
        )
    }
}

/// What is lowered still leaves something; what is refused leaves nothing.
fn finding(bound: &Bound, mode: Mode, judged: &Judged) -> Finding {
    let path = &judged.versions.path;
    let message = format!("Guardrails bound this policy: {bound}.");
    let finding = match (bound, mode) {
        (Bound::Refused(_), Mode::Enforce) => Finding::error(path, "refused by guardrails", message),
        _ => Finding::warning(path, "bounded by guardrails", message),
    };
    match bound {
        Bound::Lowered { permission, .. } => finding.at_line(line_of(judged.text(), permission.name())),
        Bound::Refused(_) => finding,
    }
}

/// A token for the policy repository, or the access itself where that is the policy repository.
struct Reader<'a> {
    github: &'a GitHub,
    place: &'a Repository,
    token: InstallationToken,
    own: bool,
}

impl<'a> Reader<'a> {
    /// `None` where the App does not see the policy repository: then nothing bounds.
    async fn open(
        github: &'a GitHub,
        access: &Access,
        repository: &Repository,
        place: &'a Repository,
        trace: &Trace,
    ) -> Result<Option<Self>, GitHubError> {
        if repository == place {
            return Ok(Some(Self { github, place, token: access.token.clone(), own: false }));
        }
        let names = std::slice::from_ref(&place.name);
        match github.mint_reader(&access.app, access.installation.id, names, trace).await {
            Ok(token) => Ok(Some(Self { github, place, token, own: true })),
            Err(GitHubError::Unprocessable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn text(&self, path: &str, brought: Option<&Side>, trace: &Trace) -> Result<Option<String>, GitHubError> {
        if let Some(side) = brought {
            return Ok(if let Side::Text(text) = side { Some(text.clone()) } else { None });
        }
        match self.github.read_file(&self.token, self.place, path, None, trace).await? {
            FileRead::File { text, .. } => Ok(Some(text)),
            FileRead::Absent | FileRead::NotModified | FileRead::NotAFile(_) => Ok(None),
        }
    }

    fn close(self) {
        if self.own {
            self.github.revoke_in_background(self.token);
        }
    }
}
