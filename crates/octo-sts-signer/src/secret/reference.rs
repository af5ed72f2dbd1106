//! The name of a secret, where the secret itself could stand.

use std::{fmt, path::PathBuf};

use crate::{
    KeyProvider,
    azure_address::{Kind, VaultAddress},
};

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretReference {
    /// AWS Secrets Manager: `aws-sm://NAME`, or an ARN; `#FIELD` behind it for a member of a JSON secret.
    Aws {
        /// The secret's name or ARN.
        id: String,
        /// A member of the JSON object in it.
        field: Option<String>,
    },
    /// Google Secret Manager: `projects/P/secrets/S` or `projects/P/secrets/S/versions/V`.
    Google {
        /// The full name, version included.
        name: String,
    },
    /// A secret in an Azure Key Vault, by its URL.
    Azure(VaultAddress),
    /// A field of a secret in Vault's key-value store, version 2: `vault://MOUNT/PATH#FIELD`.
    Vault {
        /// The mount of the store.
        mount: String,
        /// The path below the mount.
        path: String,
        /// The field.
        field: String,
    },
    /// A file: `file:/PATH`.
    File(PathBuf),
}

/// A text that begins like a reference and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no reference to a secret: write {form}")]
pub struct InvalidReference {
    form: &'static str,
}

const AWS_FORM: &str = "`aws-sm://NAME`, `aws-sm://NAME#FIELD`, or the secret's ARN";
const GOOGLE_FORM: &str = "`projects/PROJECT/secrets/SECRET/versions/VERSION`";
const AZURE_FORM: &str = "`https://VAULT.vault.azure.net/secrets/NAME`";
const VAULT_FORM: &str = "`vault://MOUNT/PATH#FIELD`";
const FILE_FORM: &str = "`file:/PATH`, an absolute path";

impl SecretReference {
    /// Reads a reference; a text that does not begin like one is the secret itself.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidReference> {
        let text = text.trim();
        let (read, form): (Option<Self>, _) = if let Some(name) = text.strip_prefix("aws-sm://") {
            (aws(name), AWS_FORM)
        } else if is_aws_arn(text) {
            (aws(text), AWS_FORM)
        } else if text.starts_with("projects/") && text.contains("/secrets/") {
            (google(text), GOOGLE_FORM)
        } else if VaultAddress::is_azure(text, Kind::Secret) {
            (azure(text), AZURE_FORM)
        } else if let Some(name) = text.strip_prefix("vault://") {
            (vault(name), VAULT_FORM)
        } else if let Some(path) = text.strip_prefix("file:") {
            (file(path), FILE_FORM)
        } else {
            return Ok(None);
        };
        read.map(Some).ok_or(InvalidReference { form })
    }

    /// The secret `name` in the secret manager beside a key provider, which is how `GITHUB_WEBHOOK_SECRET` is read when
    /// `KMS_KEYS` is set.
    pub fn beside(provider: KeyProvider, name: &str) -> Result<Self, InvalidReference> {
        let name = name.trim();
        let (read, form) = match provider {
            KeyProvider::Aws => (aws(name.strip_prefix("aws-sm://").unwrap_or(name)), AWS_FORM),
            KeyProvider::Google => (google(name), GOOGLE_FORM),
            KeyProvider::Azure => (azure(name), AZURE_FORM),
            KeyProvider::Pkcs11 => (Self::parse(name)?, VAULT_FORM),
        };
        read.ok_or(InvalidReference { form })
    }

    /// The cargo feature that is not built in and that this secret needs.
    pub(crate) fn missing_feature(&self) -> Option<&'static str> {
        match self {
            Self::Aws { .. } if cfg!(not(feature = "aws")) => Some("aws"),
            Self::Google { .. } if cfg!(not(feature = "gcp")) => Some("gcp"),
            Self::Azure(_) if cfg!(not(feature = "azure")) => Some("azure"),
            _ => None,
        }
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws { id, .. } => write!(f, "AWS secret `{id}`"),
            Self::Google { name } => write!(f, "Google secret `{name}`"),
            Self::Azure(address) => write!(f, "Azure secret `{}/{}`", address.vault, address.path),
            Self::Vault { mount, path, field } => write!(f, "Vault secret `{mount}/{path}#{field}`"),
            Self::File(path) => write!(f, "file `{}`", path.display()),
        }
    }
}

fn is_aws_arn(text: &str) -> bool {
    text.starts_with("arn:aws") && text.split(':').nth(2) == Some("secretsmanager")
}

fn aws(text: &str) -> Option<SecretReference> {
    let (id, field) = text.split_once('#').map_or((text, None), |(id, field)| (id, Some(field)));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-:".contains(&byte);
    let good = (1..=2048).contains(&id.len()) && id.bytes().all(plain) && field.is_none_or(|field| !field.is_empty());
    good.then(|| SecretReference::Aws { id: id.to_owned(), field: field.map(str::to_owned) })
}

fn google(text: &str) -> Option<SecretReference> {
    let parts: Vec<&str> = text.split('/').collect();
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte)) && !part.starts_with('.');
    let name = match parts[..] {
        ["projects", project, "secrets", secret] => [project, secret, "latest"],
        ["projects", project, "secrets", secret, "versions", version] => [project, secret, version],
        _ => return None,
    };
    let [project, secret, version] = name;
    name.iter().all(|part| plain(part)).then(|| SecretReference::Google { name: format!("projects/{project}/secrets/{secret}/versions/{version}") })
}

fn azure(text: &str) -> Option<SecretReference> {
    VaultAddress::is_azure(text, Kind::Secret).then(|| VaultAddress::parse(text, Kind::Secret)).flatten().map(SecretReference::Azure)
}

fn vault(text: &str) -> Option<SecretReference> {
    let (place, field) = text.split_once('#')?;
    let (mount, path) = place.split_once('/')?;
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) && !part.starts_with('.');
    let good = plain(mount) && path.split('/').all(plain) && !field.is_empty();
    good.then(|| SecretReference::Vault { mount: mount.to_owned(), path: path.to_owned(), field: field.to_owned() })
}

fn file(text: &str) -> Option<SecretReference> {
    let path = text.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(text);
    (path.starts_with('/') && !path.starts_with("//")).then(|| SecretReference::File(path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_reference_is_read() {
        for (text, expected) in [
            ("aws-sm://octo-sts/webhook", "AWS secret `octo-sts/webhook`"),
            (
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:webhook-AbCdEf",
                "AWS secret `arn:aws:secretsmanager:eu-west-1:123456789012:secret:webhook-AbCdEf`",
            ),
            ("projects/p/secrets/webhook", "Google secret `projects/p/secrets/webhook/versions/latest`"),
            ("projects/p/secrets/webhook/versions/3", "Google secret `projects/p/secrets/webhook/versions/3`"),
            ("https://v.vault.azure.net/secrets/webhook", "Azure secret `https://v.vault.azure.net/secrets/webhook`"),
            ("vault://secret/octo/sts#webhook", "Vault secret `secret/octo/sts#webhook`"),
            ("file:///run/secrets/webhook", "file `/run/secrets/webhook`"),
            ("file:/run/secrets/webhook\n", "file `/run/secrets/webhook`"),
        ] {
            assert_eq!(SecretReference::parse(text).unwrap().unwrap().to_string(), expected, "Input: {text}");
        }
    }

    #[test]
    fn what_does_not_begin_like_a_reference_is_the_secret_itself() {
        for text in [
            "",
            "hunter2",
            "projects",
            "-----BEGIN RSA PRIVATE KEY-----",
            "rediss://:pw@redis.example:6379/0",
            "https://example.com/secrets/webhook",
            "https://v.vault.azure.net.example.com/secrets/webhook",
            "arn:aws:kms:eu-west-1:1:key/2",
        ] {
            assert_eq!(SecretReference::parse(text).unwrap(), None, "Input: {text}");
        }
    }

    #[test]
    fn a_broken_reference_is_not_taken_for_a_secret_and_not_shown() {
        for text in [
            "aws-sm://",
            "aws-sm://a b",
            "aws-sm://name#",
            "projects/p/secrets/",
            "projects/p/secrets/../versions/1",
            "projects/p/secrets/s/versions/1/x",
            "vault://",
            "vault://secret/path",
            "vault://secret#field",
            "vault://secret/../sys#field",
            "vault://secret/a//b#field",
            "vault://secret/a?version=1#field",
            "file:relative",
            "file://host/path",
            "file:",
        ] {
            let refused = SecretReference::parse(text).unwrap_err().to_string();
            assert!(refused.starts_with("this is no reference to a secret: write `"), "Input: {text}");
        }
    }

    #[test]
    fn beside_a_key_provider_a_bare_name_is_one_of_its_secret_manager() {
        let name = |provider, text| SecretReference::beside(provider, text).map(|reference| reference.to_string());
        assert_eq!(name(KeyProvider::Aws, "webhook").unwrap(), "AWS secret `webhook`");
        assert_eq!(name(KeyProvider::Google, " projects/p/secrets/s ").unwrap(), "Google secret `projects/p/secrets/s/versions/latest`");
        assert_eq!(name(KeyProvider::Pkcs11, "vault://secret/octo#webhook").unwrap(), "Vault secret `secret/octo#webhook`");
        for (provider, text) in
            [(KeyProvider::Google, "webhook"), (KeyProvider::Azure, "webhook"), (KeyProvider::Pkcs11, "webhook"), (KeyProvider::Aws, "")]
        {
            assert!(name(provider, text).is_err(), "Input: {text}");
        }
    }
}
