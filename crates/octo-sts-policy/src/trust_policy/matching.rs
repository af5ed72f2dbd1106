//! Verified claims against a policy.

use octo_sts_types::{ClaimSet, Claims, Grant, GrantedRepositories, RepositoryName, Scope};

use super::{PolicyKind, TrustPolicy};
use crate::{Mismatch, Requirement, claim_value, mismatch::Reason};

/// Stands for the scope in a default audience.
const SCOPE_PLACEHOLDER: &str = "{scope}";

/// What a policy is matched for.
#[derive(Clone, Copy, Debug)]
pub struct MatchContext<'a> {
    /// The scope that was asked for.
    pub scope: &'a Scope,
    /// The audiences of which a token has one when the policy names none. `{scope}` in one stands for the scope asked for,
    /// as in `https://github.com/{scope}`.
    pub default_audiences: &'a [String],
}

impl TrustPolicy {
    /// Whether a token with these members is admitted, if it is genuine.
    pub fn admits(&self, claims: &ClaimSet, context: &MatchContext<'_>) -> Result<(), Mismatch> {
        self.admits_issuer(claims)?;
        self.admits_subject(claims)?;
        self.admits_audience(claims, context)?;
        for (name, _) in &self.claims {
            self.admits_claim(claims, name)?;
        }
        Ok(())
    }

    /// What the policy gives to the bearer of these claims.
    ///
    /// A policy in a repository that lists other repositories gives nothing here, because those have to consent: see
    /// [`TrustPolicy::grant_with_consent`].
    pub fn grant(&self, claims: &Claims, context: &MatchContext<'_>) -> Result<Grant, Mismatch> {
        self.admits(claims, context)?;
        self.check_owner(context.scope)?;
        if let Some(repository) = self.repositories_to_ask(context.scope).next() {
            return Err(Mismatch::new(Reason::NeedsConsent { repository: repository.clone() }));
        }
        self.granted(context.scope)
    }

    /// The repositories that have to consent when this scope is asked for: those a policy in a repository lists, but its own.
    pub fn repositories_to_ask<'p>(&'p self, scope: &'p Scope) -> impl Iterator<Item = &'p RepositoryName> {
        self.other_repositories().iter().filter(move |name| !matches!(scope, Scope::Repository(own) if own.name == **name))
    }

    pub(crate) fn granted(&self, scope: &Scope) -> Result<Grant, Mismatch> {
        let repositories = match (&self.repositories, self.kind, scope) {
            (_, PolicyKind::Repository, Scope::Owner(_)) => return Err(Mismatch::new(Reason::WrongScope)),
            (Some(listed), ..) => GrantedRepositories::Named(listed.names.clone()),
            (None, PolicyKind::Organization, Scope::Owner(_)) => GrantedRepositories::Every,
            (None, _, Scope::Repository(_)) => GrantedRepositories::Target,
        };
        #[expect(clippy::disallowed_methods, reason = "the one place where verified claims have matched a policy")]
        Ok(Grant::from_match(self.permissions.clone(), repositories))
    }

    pub(crate) fn check_owner(&self, scope: &Scope) -> Result<(), Mismatch> {
        let written = self.repositories.as_ref().and_then(|listed| listed.owner.as_ref());
        match written.filter(|owner| *owner != scope.owner()) {
            Some(owner) => Err(Mismatch::new(Reason::ForeignOwner { owner: owner.to_string() })),
            None => Ok(()),
        }
    }

    pub(crate) fn admits_issuer(&self, claims: &ClaimSet) -> Result<(), Mismatch> {
        let actual = claims.issuer().as_str();
        if self.issuer.admits(actual) {
            return Ok(());
        }
        Err(Mismatch::new(Reason::Issuer { required: self.issuer.to_string(), actual: actual.to_owned() }))
    }

    pub(crate) fn admits_subject(&self, claims: &ClaimSet) -> Result<(), Mismatch> {
        let actual = claims.subject().as_str();
        if self.subject.admits(actual) {
            return Ok(());
        }
        Err(Mismatch::new(Reason::Subject { required: self.subject.to_string(), actual: actual.to_owned() }))
    }

    pub(crate) fn admits_audience(&self, claims: &ClaimSet, context: &MatchContext<'_>) -> Result<(), Mismatch> {
        let admitted = claims.audiences().iter().any(|audience| match &self.audience {
            Some(required) => required.admits(audience.as_str()),
            None => context.default_audiences.iter().any(|default| is_default(default, audience.as_str(), context.scope)),
        });
        if admitted {
            return Ok(());
        }
        let required = match &self.audience {
            Some(required) => required.to_string(),
            None => context.describe_default_audiences(),
        };
        let actual = claims.audiences().iter().map(ToString::to_string).collect();
        Err(Mismatch::new(Reason::Audience { required, actual }))
    }

    pub(crate) fn admits_claim(&self, claims: &ClaimSet, name: &str) -> Result<(), Mismatch> {
        let Some((_, pattern)) = self.claims.iter().find(|(required, _)| **required == *name) else { return Ok(()) };
        let Some(value) = claim_value::find(claims, name) else {
            return Err(Mismatch::new(Reason::ClaimMissing { name: name.to_owned() }));
        };
        if claim_value::any(value, |text| pattern.matches(text)) {
            return Ok(());
        }
        let required = Requirement::Pattern(pattern.clone()).to_string();
        Err(Mismatch::new(Reason::Claim { name: name.to_owned(), required, actual: value.clone() }))
    }
}

impl MatchContext<'_> {
    pub(crate) fn describe_default_audiences(&self) -> String {
        let scope = self.scope.to_string();
        let audiences: Vec<_> = self.default_audiences.iter().map(|text| format!("`{}`", text.replace(SCOPE_PLACEHOLDER, &scope))).collect();
        format!("one of the service's own ({})", audiences.join(", "))
    }
}

/// Whether `audience` is the default one, where the repository asked for stands in it in any letter case, as GitHub's names do.
///
/// For a scope without a repository such a default does not count: `https://github.com/OWNER` is what GitHub puts into every
/// token of the owner's workflows that asks for nothing, and so says nothing about whom it was meant for.
fn is_default(default: &str, audience: &str, scope: &Scope) -> bool {
    let Some((before, after)) = default.split_once(SCOPE_PLACEHOLDER) else { return default == audience };
    let asked = audience.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    match (asked, scope) {
        (Some(asked), Scope::Repository(repository)) => {
            asked.split_once('/').is_some_and(|(owner, name)| repository.owner.is(owner) && repository.name.is(name))
        }
        (Some(_), Scope::Owner(_)) | (None, _) => false,
    }
}
