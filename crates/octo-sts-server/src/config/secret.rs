//! Where secrets are: in a variable, in the file of its `_FILE` twin, or in a secret manager under a name.

use std::{fmt, path::PathBuf};

use octo_sts_signer::{KeyProvider, secret::SecretReference};
use secrecy::{ExposeSecret as _, SecretString};

use super::{keys, problem::Findings, value};

/// Where a secret is.
#[derive(Clone)]
pub enum SecretSource {
    /// In the variable itself, unless its text is a reference.
    Value {
        /// The variable.
        variable: &'static str,
        /// The secret, or a reference to it.
        text: SecretString,
    },
    /// In a file.
    File {
        /// The variable that names the file.
        variable: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// In a secret manager, under these names.
    Named {
        /// The variable that names them.
        variable: &'static str,
        /// At least one.
        references: Vec<SecretReference>,
    },
}

impl SecretSource {
    /// The variable that says where the secret is.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::Value { variable, .. } | Self::File { variable, .. } | Self::Named { variable, .. } => variable,
        }
    }

    /// Whether the variable's text is the name of a secret.
    pub(super) fn is_reference(&self) -> bool {
        matches!(self, Self::Value { text, .. } if !matches!(SecretReference::parse(text.expose_secret()), Ok(None)))
    }

    /// Reads a variable and its `_FILE` twin, of which one may be set: `None` is a problem, `Some(None)` means not set.
    #[expect(clippy::option_option, reason = "the outer one is the problem, the inner one the variable")]
    pub(super) fn read(variable: [&'static str; 2], texts: [Option<&str>; 2], findings: &mut Findings) -> Option<Option<Self>> {
        let [name, twin] = variable;
        match texts {
            [None, None] => Some(None),
            [Some(_), Some(_)] => {
                findings.problem(format!("{name}, {twin}"), "are set together: unset one of them");
                None
            }
            [Some(text), None] => {
                findings.take(name, SecretReference::parse(text))?;
                Some(Some(Self::Value { variable: name, text: text.into() }))
            }
            [None, Some(path)] => {
                let path = PathBuf::from(path);
                let text = findings.take(twin, keys::read(&path))?;
                if text.expose_secret().trim().is_empty() {
                    findings.problem(twin, format!("`{}` is empty: write the secret into it", path.display()));
                    return None;
                }
                Some(Some(Self::File { variable: twin, path }))
            }
        }
    }

    /// The same source, where `KMS_KEYS` are set: a list of names in the secret manager beside the key service. PKCS#11 has none.
    pub(super) fn beside(self, provider: KeyProvider, findings: &mut Findings) -> Option<Self> {
        let Self::Value { variable, text } = &self else { return Some(self) };
        if provider == KeyProvider::Pkcs11 {
            return Some(self);
        }
        let named = value::list(text.expose_secret()).map(|name| SecretReference::beside(provider, name));
        let references = findings.take(variable, named.collect::<Result<Vec<_>, _>>())?;
        if references.is_empty() {
            findings.problem(*variable, "names no secret: write its name in the secret manager beside KMS_KEYS");
            return None;
        }
        Some(Self::Named { variable, references })
    }
}

/// Where it is, and never what.
impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { variable, .. } => write!(f, "SecretSource({variable})"),
            Self::File { variable, path } => write!(f, "SecretSource({variable}: {})", path.display()),
            Self::Named { variable, references } => write!(f, "SecretSource({variable}: {} names)", references.len()),
        }
    }
}
