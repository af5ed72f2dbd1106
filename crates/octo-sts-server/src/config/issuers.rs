//! Which issuers are admitted, and which are called at start.

use std::time::Duration;

use octo_sts_oidc::IssuerFilter;
use octo_sts_types::{Issuer, Printable};

use super::{ServeArgs, issuers_file::IssuersFile, optional, problem::Findings, set, value};

/// The issuer of GitHub Actions.
const GITHUB_ACTIONS: &str = "https://token.actions.githubusercontent.com";
/// The longest leeway: RFC 7519 §4.1.4 speaks of "a few minutes".
const LONGEST_LEEWAY: Duration = Duration::from_mins(5);

/// What the operator decides about issuers.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The issuers admitted at all; `None` admits every one.
    pub allowed: Option<IssuerFilter>,
    /// Issuers that may be on private or loopback addresses.
    pub private: Vec<Issuer>,
    /// Issuers that are described one by one, and the file that does.
    pub file: Option<IssuersFile>,
    /// Admit http issuers on loopback.
    pub allow_localhost: bool,
    /// Issuers whose tokens are verified with the keys in the policies that trust them; `None`: none.
    pub policy_keys: Option<IssuerFilter>,
    /// Issuers whose keys are fetched at start.
    pub prefetch: Vec<Issuer>,
    /// How long past its `exp` a token still counts.
    pub clock_leeway: Duration,
}

impl Default for IssuerSettings {
    fn default() -> Self {
        Self {
            allowed: None,
            private: Vec::new(),
            file: None,
            allow_localhost: false,
            policy_keys: None,
            prefetch: Issuer::parse(GITHUB_ACTIONS).into_iter().collect(),
            clock_leeway: Duration::ZERO,
        }
    }
}

pub(super) fn read(args: &ServeArgs, findings: &mut Findings) -> Option<IssuerSettings> {
    let allowed = optional(findings, "STS_ALLOWED_ISSUERS", args.sts_allowed_issuers.as_ref(), filter);
    let policy_keys = optional(findings, "STS_POLICY_JWKS_ISSUERS", args.sts_policy_jwks_issuers.as_ref(), filter);
    let allow_localhost = optional(findings, "STS_ALLOW_LOCALHOST_ISSUERS", args.sts_allow_localhost_issuers.as_ref(), value::boolean);
    let clock_leeway = optional(findings, "STS_CLOCK_LEEWAY", args.sts_clock_leeway.as_ref(), |text| value::duration_within(text, LONGEST_LEEWAY));
    let private = list(findings, "STS_PRIVATE_ISSUERS", set(args.sts_private_issuers.as_ref()).unwrap_or_default());
    let private = private.filter(|issuers| all_https(issuers, findings));
    let file = file(args, allow_localhost, findings);
    let prefetch = list(findings, "STS_PREFETCH_ISSUERS", args.sts_prefetch_issuers.as_deref().unwrap_or(GITHUB_ACTIONS));
    let allowed = allowed?;
    let file = file?.inspect(|file| file.warn_of_the_unlisted(allowed.as_ref(), findings));
    Some(IssuerSettings {
        allowed,
        private: private?,
        file,
        allow_localhost: allow_localhost?.unwrap_or(false),
        policy_keys: policy_keys?,
        prefetch: prefetch?,
        clock_leeway: clock_leeway?.unwrap_or(Duration::ZERO),
    })
}

#[expect(clippy::option_option, reason = "the outer one is the problem, the inner one the variable")]
fn file(args: &ServeArgs, allow_localhost: Option<Option<bool>>, findings: &mut Findings) -> Option<Option<IssuersFile>> {
    let Some(path) = set(args.sts_issuers_file.as_ref()) else { return Some(None) };
    IssuersFile::load(path.as_ref(), allow_localhost.flatten().unwrap_or(false), findings).map(Some)
}

fn filter(text: &str) -> Result<IssuerFilter, String> {
    IssuerFilter::parse(text).map_err(|error| format!("{error}: write issuers such as `{GITHUB_ACTIONS}` or `https://gitlab.example/*`"))
}

fn list(findings: &mut Findings, name: &str, text: &str) -> Option<Vec<Issuer>> {
    let mut issuers = Vec::new();
    for entry in value::list(text) {
        let read =
            Issuer::parse(entry).map_err(|error| format!("`{}` is not an issuer ({error}): write one such as `{GITHUB_ACTIONS}`", Printable(entry)));
        issuers.push(findings.take(name, read)?);
    }
    Some(issuers)
}

fn all_https(issuers: &[Issuer], findings: &mut Findings) -> bool {
    let plain = issuers.iter().find(|issuer| !issuer.is_https());
    if let Some(issuer) = plain {
        findings.problem(
            "STS_PRIVATE_ISSUERS",
            format!("`{issuer}` is not https: write the https URL, or set STS_ALLOW_LOCALHOST_ISSUERS=true for trying things out"),
        );
    }
    plain.is_none()
}
