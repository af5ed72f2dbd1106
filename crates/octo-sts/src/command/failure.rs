//! How a command ends when it fails.

use std::process::ExitCode;

use octo_sts_client::{InvalidAddress, SourceError, StsError};
use octo_sts_types::Printable;

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The service said no.
    Refused = 1,
    /// The command line or the environment is wrong.
    Usage = 2,
    /// The service cannot be reached, or cannot answer.
    Unreachable = 3,
    /// No OIDC token.
    NoToken = 4,
}

/// Why a command failed, and the code that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
    /// Lines that stand below the reason.
    pub(crate) more: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, error: anyhow::Error) -> Self {
        Self { exit, error, more: Vec::new() }
    }

    pub(crate) fn usage(error: anyhow::Error) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// Says the reason on standard error: the chain of causes on one line, what else is worth knowing below.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("octo-sts: {:#}", self.error);
        self.more.iter().for_each(|line| eprintln!("  {line}"));
        ExitCode::from(self.exit as u8)
    }
}

impl From<StsError> for Failure {
    fn from(error: StsError) -> Self {
        let exit = match &error {
            StsError::Refused(_) => Exit::Refused,
            StsError::OddToken => Exit::NoToken,
            StsError::Unavailable { .. } | StsError::Unreachable { .. } | StsError::NotTheService { .. } => Exit::Unreachable,
        };
        let mut more = Vec::new();
        if let StsError::Refused(refusal) | StsError::Unavailable { last: refusal, .. } = &error {
            more.extend(refusal.facts.iter().map(|(name, value)| format!("{}: {}", Printable(name), Printable(value))));
            more.extend(refusal.retry_after.map(|after| format!("ask again in {} s", after.as_secs())));
        }
        Self { exit, error: error.into(), more }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let more = advice(&error).map(str::to_owned).into_iter().collect();
        Self { exit: Exit::NoToken, error: error.into(), more }
    }
}

/// What to do about a token that did not come; what is missing says so itself.
fn advice(error: &SourceError) -> Option<&'static str> {
    match error {
        SourceError::Missing(_) => None,
        SourceError::Unreadable(..) => {
            Some("name a file that this user may read, or say with --from or --token-command where else the OIDC token comes from")
        }
        SourceError::NoCommand(..) => Some("install it, or say with --from, --token-file or --token-command where else the OIDC token comes from"),
        SourceError::Command { .. } => Some("run it by hand: what it says on standard error is the reason"),
        SourceError::Unreachable { .. } => {
            Some("does this run there? Say with --from, --token-file or --token-command where else the OIDC token comes from")
        }
        SourceError::Refused { .. } => {
            Some("may this workload have an OIDC token there, for this audience? Its guide says what it needs: docs/guides")
        }
        SourceError::NotAToken(_) => Some("it must give the OIDC token and nothing else; -v says where it was got"),
    }
}

impl From<InvalidAddress> for Failure {
    fn from(error: InvalidAddress) -> Self {
        Self::usage(error.into())
    }
}
