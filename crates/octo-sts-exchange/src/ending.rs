//! Ending a token that somebody hands in.
//!
//! Whoever holds a token may end it: nothing else is asked of him. Tokens that GitHub does not know cost a call all the
//! same, so that each address may hand in only so many of them.

use std::{net::IpAddr, time::Duration};

use octo_sts_github::{Ended, GitHubError, Trace};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{budget::Budget, exchange::Exchanger};

/// The beginnings of GitHub's installation tokens, the second as older Enterprise Servers write it.
const BEGINNINGS: [&str; 2] = ["ghs_", "v1."];
/// Longest token that is handed on, in bytes.
const LONGEST: usize = 2_048;
/// Unknown tokens that one address may hand in at once, and the time in which as many more are due.
const UNKNOWN: u32 = 120;
const REFILL: Duration = Duration::from_mins(1);
/// Most addresses that are remembered.
const MOST_ADDRESSES: usize = 10_000;
/// The time for the whole of it.
const DEADLINE: Duration = Duration::from_secs(10);

/// Why a token was not ended; it may be alive.
#[derive(Debug, thiserror::Error)]
pub enum NotEnded {
    /// This address handed in too many tokens that GitHub does not know.
    #[error("too many tokens that GitHub does not know were handed in from one address")]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// GitHub did not end it.
    #[error("GitHub did not end the token")]
    GitHub(#[source] GitHubError),
}

/// How many unknown tokens each address handed in. Addresses of IPv6 count by their network of 64 bits.
#[derive(Debug)]
pub(crate) struct UnknownTokens(Budget<IpAddr>);

impl Default for UnknownTokens {
    fn default() -> Self {
        Self(Budget::new(UNKNOWN, REFILL, MOST_ADDRESSES))
    }
}

/// What an address counts as: itself, or its network of 64 bits.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

impl Exchanger {
    /// Ends an installation token at GitHub. What cannot be one is not sent there: it is unknown.
    pub async fn end_token(&self, token: &SecretString, from: IpAddr) -> Result<Ended, NotEnded> {
        let text = token.expose_secret();
        let plausible = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) && text.len() <= LONGEST;
        if !plausible || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Ended::Before);
        }
        let (from, now) = (network(from), self.clock.monotonic());
        self.unknown_tokens.0.check(&from, now).map_err(|retry_after| NotEnded::TooMany { retry_after })?;
        let ended = self.github.end(token, &Trace::until(now + DEADLINE)).await.map_err(NotEnded::GitHub)?;
        if ended == Ended::Before {
            // Whether there was one left to take was asked before the call.
            _ = self.unknown_tokens.0.take(&from, now);
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_count_by_their_network() {
        for (address, counted) in [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")] {
            assert_eq!(network(address.parse().unwrap()), counted.parse::<IpAddr>().unwrap(), "Input: {address}");
        }
    }
}
