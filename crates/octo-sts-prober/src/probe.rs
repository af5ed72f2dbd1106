//! The probes by name.

use std::{fmt, str::FromStr};

use octo_sts_types::Printable;

/// One thing that is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The token of the prober is exchanged, and what comes back opens what the policy grants and nothing else.
    Exchange,
    /// There is no policy of that name.
    WrongIdentity,
    /// The token names an issuer that is none.
    WrongIssuer,
    /// The token's time is over.
    Expired,
    /// The token is signed by nobody.
    Unsigned,
    /// The token is genuine, and the policy is not about it.
    Mismatch,
}

/// A name that is no probe's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no probe: exchange, wrong-identity, wrong-issuer, expired, unsigned and mismatch are", Printable(.0))]
pub struct UnknownProbe(String);

impl Probe {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 6] = [Self::Exchange, Self::WrongIdentity, Self::WrongIssuer, Self::Expired, Self::Unsigned, Self::Mismatch];

    /// Its name in reports and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::WrongIdentity => "wrong-identity",
            Self::WrongIssuer => "wrong-issuer",
            Self::Expired => "expired",
            Self::Unsigned => "unsigned",
            Self::Mismatch => "mismatch",
        }
    }
}

impl FromStr for Probe {
    type Err = UnknownProbe;

    fn from_str(name: &str) -> Result<Self, UnknownProbe> {
        Self::ALL.into_iter().find(|probe| probe.as_str() == name).ok_or_else(|| UnknownProbe(name.to_owned()))
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
