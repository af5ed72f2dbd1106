//! Which Apps serve whom, and where their keys are.

use std::{fmt, path::PathBuf};

use octo_sts_signer::KeyProvider;
use octo_sts_types::{AppId, Owner, Printable};
use secrecy::SecretString;

use super::{ServeArgs, app_file, keys, problem::Findings, value};

/// Where the Apps are named.
#[derive(Clone, Debug)]
pub enum AppsSource {
    /// Here, for good.
    Fixed(Vec<OwnerApps>),
    /// In a file of this path, which is read again when it changes.
    File(PathBuf),
}

/// The Apps of one owner, or of all that have no Apps of their own.
#[derive(Clone, Debug)]
pub struct OwnerApps {
    /// The owner; `None` for everybody else.
    pub owner: Option<Owner>,
    /// The Apps: never empty, each id once.
    pub apps: Vec<AppConfig>,
}

/// One App.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Its id at GitHub.
    pub id: AppId,
    /// The name by which policies choose it.
    pub name: Option<String>,
    /// Where its key is.
    pub key: KeySource,
}

/// Where the private key of an App is.
#[derive(Clone)]
pub enum KeySource {
    /// In a PEM file, which is read again when it changes.
    PemFile(PathBuf),
    /// In this PEM text, or in a secret that it refers to.
    PemText {
        /// The text, or the reference.
        text: SecretString,
        /// Where the text was written, for messages.
        origin: String,
    },
    /// In a key management service, which never hands it out.
    Kms {
        /// Whose service.
        provider: KeyProvider,
        /// The key's names there: at least one. Several are keys of the same App during a rotation.
        keys: Vec<String>,
    },
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

impl KeySource {
    /// Where the key is, never the key.
    pub fn origin(&self) -> String {
        match self {
            Self::PemFile(path) => path.display().to_string(),
            Self::PemText { origin, .. } => origin.clone(),
            Self::Kms { provider, keys } => format!("{provider} key {}", keys.join(", ")),
        }
    }

    /// Whether both name the same place.
    pub(crate) fn same_place(&self, other: &Self) -> bool {
        self.origin() == other.origin()
    }
}

/// Reads the value of `KMS_PROVIDER`; empty is Google's.
pub(crate) fn key_provider(text: &str) -> Result<KeyProvider, String> {
    if text.is_empty() { Ok(KeyProvider::Google) } else { text.parse::<KeyProvider>().map_err(|error| error.to_string()) }
}

/// Checks the form of a key's name.
pub(crate) fn check_key_name(provider: KeyProvider, key: &str) -> Result<(), String> {
    let (fits, example) = match provider {
        KeyProvider::Google => (
            key.starts_with("projects/") && key.contains("/cryptoKeyVersions/"),
            "projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1",
        ),
        KeyProvider::Aws => (!key.contains(char::is_whitespace), "arn:aws:kms:eu-west-1:123456789012:key/ID or alias/NAME"),
        KeyProvider::Azure => (key.starts_with("https://") && key.contains("/keys/"), "https://VAULT.vault.azure.net/keys/NAME/VERSION"),
        KeyProvider::Pkcs11 => {
            (key.starts_with("pkcs11:"), "pkcs11:token=LABEL;object=LABEL?module-path=/path/of/library.so&pin-source=/path/of/pin")
        }
    };
    if fits { Ok(()) } else { Err(format!("`{}` is not a key of {provider}: write one such as `{example}`", Printable(key))) }
}

/// Reads an App's id.
pub(crate) fn app_id(text: &str) -> Result<AppId, String> {
    match text.parse::<u64>() {
        Ok(id) if id > 0 => Ok(AppId(id)),
        _ => Err(format!("`{}` is not an App id: write the number on the App's settings page, such as `123456`", Printable(text))),
    }
}

/// The variables that hold a key.
const KEY_VARIABLES: &str = "APP_SECRET_CERTIFICATE_FILE, APP_SECRET_CERTIFICATE_ENV_VAR or KMS_KEYS";

/// Reads which Apps there are. Every key at hand is loaded once, so that one that cannot be used is named now.
pub(crate) fn read(args: &ServeArgs, env: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) -> Option<AppsSource> {
    let set = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
    let ids = set(&args.github_app_ids);
    let sources = key_sources(args);
    if let Some(path) = set(&args.app_config_file) {
        let beaten: Vec<_> = ids.iter().map(|_| "GITHUB_APP_IDS").chain(sources.iter().map(|(name, _)| *name)).collect();
        if !beaten.is_empty() {
            findings.warn(format!("APP_CONFIG_FILE is set: {} is not read", beaten.join(", ")));
        }
        let path = PathBuf::from(path);
        app_file::load(&path, env, findings)?;
        return Some(AppsSource::File(path));
    }
    let ids = read_ids(ids.as_deref(), findings)?;
    let keys = read_keys(args, &sources, ids.len(), findings)?;
    let apps: Vec<_> = ids.into_iter().zip(keys).map(|(id, key)| AppConfig { id, name: None, key }).collect();
    for app in &apps {
        findings.take(sources[0].0, keys::check(&app.key));
    }
    Some(AppsSource::Fixed(vec![OwnerApps { owner: None, apps }]))
}

/// The variables that name a key, and what they say.
fn key_sources(args: &ServeArgs) -> Vec<(&'static str, &str)> {
    [
        ("APP_SECRET_CERTIFICATE_FILE", &args.app_secret_certificate_file),
        ("APP_SECRET_CERTIFICATE_ENV_VAR", &args.app_secret_certificate_env_var),
        ("KMS_KEYS", &args.kms_keys),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text.as_deref().filter(|text| !text.is_empty())?)))
    .collect()
}

fn read_ids(text: Option<&str>, findings: &mut Findings) -> Option<Vec<AppId>> {
    let Some(text) = text else {
        findings.problem(
            "GITHUB_APP_IDS",
            "is not set: write the id of the GitHub App, the number on its settings page, or name the Apps in APP_CONFIG_FILE",
        );
        return None;
    };
    let mut ids = Vec::new();
    for entry in value::list(text) {
        let id = findings.take("GITHUB_APP_IDS", app_id(entry))?;
        if ids.contains(&id) {
            findings.problem("GITHUB_APP_IDS", format!("names the App {id} twice: write each id once"));
            return None;
        }
        ids.push(id);
    }
    if ids.is_empty() {
        findings.problem("GITHUB_APP_IDS", "names no App: write the id of the GitHub App, the number on its settings page");
        return None;
    }
    Some(ids)
}

fn read_keys(args: &ServeArgs, sources: &[(&'static str, &str)], apps: usize, findings: &mut Findings) -> Option<Vec<KeySource>> {
    let (name, text) = match sources {
        [] => {
            findings.problem(
                KEY_VARIABLES,
                "is not set: say where the App's private key is; APP_SECRET_CERTIFICATE_FILE takes the file that GitHub offered for download",
            );
            return None;
        }
        [one] => *one,
        several => {
            let names: Vec<_> = several.iter().map(|(name, _)| *name).collect();
            findings.problem(names.join(", "), "are set together, and an App has one key source: unset all but one");
            return None;
        }
    };
    if name == "KMS_KEYS" {
        return read_kms(args, text, apps, findings);
    }
    if apps > 1 {
        findings
            .problem(name, format!("holds the key of one App, and GITHUB_APP_IDS names {apps}: name them in APP_CONFIG_FILE, each with its own key"));
        return None;
    }
    Some(vec![match name {
        "APP_SECRET_CERTIFICATE_FILE" => KeySource::PemFile(PathBuf::from(text)),
        _ => KeySource::PemText { text: SecretString::from(text), origin: name.to_owned() },
    }])
}

fn read_kms(args: &ServeArgs, text: &str, apps: usize, findings: &mut Findings) -> Option<Vec<KeySource>> {
    let provider = findings.take("KMS_PROVIDER", key_provider(args.kms_provider.as_deref().unwrap_or_default()))?;
    let names: Vec<_> = value::list(text).collect();
    if names.len() != apps {
        let (names, plural) = (names.len(), if names.len() == 1 { "" } else { "s" });
        findings.problem("KMS_KEYS", format!("names {names} key{plural} for {apps} of GITHUB_APP_IDS: write one key per App, in the same order"));
        return None;
    }
    for name in &names {
        findings.take("KMS_KEYS", check_key_name(provider, name))?;
    }
    Some(names.into_iter().map(|key| KeySource::Kms { provider, keys: vec![key.to_owned()] }).collect())
}
