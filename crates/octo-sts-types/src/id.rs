//! GitHub's numeric ids, one type each so that one is never passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A GitHub App.
    AppId
);
id!(
    /// An App installed on an account. A reinstallation makes a new one.
    InstallationId
);
id!(
    /// A repository, through every rename and transfer.
    RepositoryId
);
id!(
    /// An account, through every rename.
    AccountId
);
