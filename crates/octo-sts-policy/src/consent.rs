//! Policies in one repository that list others.
//!
//! Being able to write a policy in one repository is no right over another. So each listed repository has to consent: by a
//! policy of the same name that admits the same token, or because the organisation has delegated it in its guardrails. What
//! is given is what all of them give.

use octo_sts_types::{Claims, Grant, Permissions, RepositoryName};

use crate::{MatchContext, Mismatch, TrustPolicy};

/// How a listed repository answers.
#[derive(Clone, Copy, Debug)]
pub enum Consent<'a> {
    /// It has a policy of the same name. Its own list of repositories is not followed.
    Policy(&'a TrustPolicy),
    /// The organisation has decided for it, and gives this at most.
    Delegated {
        /// `None`: what the asking policy says.
        at_most: Option<&'a Permissions>,
    },
    /// It has no such policy, or none that is valid.
    None,
}

/// Why a policy that lists other repositories gives nothing. For the log and the event: a caller hears only the stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    /// The policy itself does not admit the token.
    #[error("the policy does not admit the token")]
    Mismatch(#[source] Mismatch),
    /// This repository has no valid policy of this name, and nothing is delegated.
    #[error("`{0}` has no policy of this name that consents")]
    Absent(RepositoryName),
    /// The policy there does not admit the token.
    #[error("the policy of `{repository}` does not admit the token")]
    Refused {
        /// The repository that did not consent.
        repository: RepositoryName,
        /// Why its policy does not.
        #[source]
        source: Mismatch,
    },
    /// The policy there wants another App to mint.
    #[error("the policy of `{0}` requires another App")]
    OtherApp(RepositoryName),
    /// The policies have no permission in common.
    #[error("nothing is left that `{0}` gives, too")]
    NothingInCommon(RepositoryName),
}

impl TrustPolicy {
    /// What the policy gives once each of [`TrustPolicy::repositories_to_ask`] has answered: on all that are listed, what all
    /// of them give. For a policy that lists no others, the same as [`TrustPolicy::grant`].
    pub fn grant_with_consent<'a>(
        &self,
        claims: &Claims,
        context: &MatchContext<'_>,
        answer: impl Fn(&RepositoryName) -> Consent<'a>,
    ) -> Result<Grant, ConsentError> {
        self.admits(claims, context).map_err(ConsentError::Mismatch)?;
        self.check_owner(context.scope).map_err(ConsentError::Mismatch)?;
        let mut grant = self.granted(context.scope).map_err(ConsentError::Mismatch)?;
        for repository in self.repositories_to_ask(context.scope) {
            let at_most = self.consented(repository, answer(repository), claims, context)?;
            if let Some(at_most) = at_most {
                grant = grant.narrowed(at_most).ok_or_else(|| ConsentError::NothingInCommon(repository.clone()))?;
            }
        }
        Ok(grant)
    }

    /// The most that `repository` gives, when it consents; `None`: whatever is asked.
    fn consented<'a>(
        &self,
        repository: &RepositoryName,
        answer: Consent<'a>,
        claims: &Claims,
        context: &MatchContext<'_>,
    ) -> Result<Option<&'a Permissions>, ConsentError> {
        let policy = match answer {
            Consent::Policy(policy) => policy,
            Consent::Delegated { at_most } => return Ok(at_most),
            Consent::None => return Err(ConsentError::Absent(repository.clone())),
        };
        policy.admits(claims, context).map_err(|source| ConsentError::Refused { repository: repository.clone(), source })?;
        if policy.app().is_some() && policy.app() != self.app() {
            return Err(ConsentError::OtherApp(repository.clone()));
        }
        Ok(Some(policy.permissions()))
    }
}
