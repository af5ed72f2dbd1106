//! Why a key cannot be used, and why it did not sign.

use std::{error::Error, sync::Arc, time::Duration};

/// Why a text is not the private key of a GitHub App. Each says what to write instead, and none repeats the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing but white space.
    #[error("the key is empty: write the PEM file that GitHub offered for download when the App's key was made")]
    Empty,
    /// No PEM block in it.
    #[error(
        "this is no PEM text: write the whole file, from `-----BEGIN RSA PRIVATE KEY-----` to `-----END RSA PRIVATE KEY-----`, line breaks included"
    )]
    NotPem,
    /// The key is locked with a passphrase.
    #[error("the key is encrypted: write it without a passphrase, as `openssl rsa -in KEY -out PLAIN` does")]
    Encrypted,
    /// OpenSSH's own format.
    #[error("the key is in OpenSSH's format: convert it with `ssh-keygen -p -m PEM -f KEY`, or use the file that GitHub offered for download")]
    OpenSsh,
    /// A key of another algorithm.
    #[error("the key is not an RSA key: GitHub Apps sign with RSA alone; use the file that GitHub offered for download")]
    NotRsa,
    /// The public half.
    #[error("this is a public key: write the private key, the file that begins with `-----BEGIN RSA PRIVATE KEY-----`")]
    Public,
    /// A certificate.
    #[error("this is a certificate: write the private key, the file that begins with `-----BEGIN RSA PRIVATE KEY-----`")]
    Certificate,
    /// Another kind of PEM block.
    #[error("this is no private key: write the file that begins with `-----BEGIN RSA PRIVATE KEY-----`")]
    Other,
    /// Two private keys in one text.
    #[error("there is more than one private key: write one alone, and name the others as keys of their own")]
    Several,
    /// The modulus is too short or too long.
    #[error("the key is too {}: GitHub makes keys of 2048 bits, and 2048 to 8192 can be used", if *.short { "short" } else { "long" })]
    Size {
        /// Too short; otherwise too long.
        short: bool,
    },
    /// The block says RSA and does not hold a consistent RSA key.
    #[error("the key is damaged: its PEM block does not hold a whole RSA key; copy the file again")]
    Damaged,
}

/// Why a key did not sign.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignError {
    /// The place that has the key did not answer in time.
    #[error("{origin} did not answer within {} s", .after.as_secs())]
    TimedOut {
        /// Where the key is.
        origin: String,
        /// How long it was given.
        after: Duration,
    },
    /// The place that has the key refused or failed.
    #[error("{origin} did not sign")]
    Failed {
        /// Where the key is.
        origin: String,
        /// What it said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The signature is not one of this key.
    #[error("the signature of {origin} does not match its public key")]
    WrongSignature {
        /// Where the key is.
        origin: String,
    },
}
