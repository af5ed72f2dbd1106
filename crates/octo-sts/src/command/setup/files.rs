//! The App's key, its webhook secret and the variables, each in a file that only its owner reads.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;

use super::{conversion::Registered, manifest::GitHubHost};

const KEY: &str = "app.pem";
const SECRET: &str = "webhook-secret";
const VARIABLES: &str = "octo-sts.env";

/// A folder that has none of the files yet.
pub(crate) struct Place(PathBuf);

impl Place {
    /// Makes the folder. Nothing in it is written over.
    pub(crate) fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        let unusable = || format!("--out: `{}`", folder.display());
        fs::create_dir_all(folder).with_context(unusable)?;
        // `serve` is started from anywhere.
        let folder = folder.canonicalize().with_context(unusable)?;
        for name in [KEY, SECRET, VARIABLES] {
            if folder.join(name).symlink_metadata().is_ok() {
                bail!("--out: `{}` exists: name another folder, or move it away", folder.join(name).display());
            }
        }
        tempfile::tempfile_in(&folder).with_context(unusable)?;
        Ok(Self(folder))
    }

    /// Writes the files, the key first.
    pub(crate) fn keep(&self, app: &Registered, domain: &str, github: &GitHubHost) -> anyhow::Result<()> {
        self.write(KEY, app.pem.expose_secret())?;
        if let Some(secret) = &app.webhook_secret {
            self.write(SECRET, secret.expose_secret())?;
        }
        self.write(VARIABLES, &self.lines(app, domain, github))
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.0.join(name);
        let written = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        written().with_context(|| format!("`{}`", path.display()))
    }

    fn lines(&self, app: &Registered, domain: &str, github: &GitHubHost) -> String {
        let mut lines = vec![
            format!("# {}", app.page()),
            format!("STS_DOMAIN={domain}"),
            format!("GITHUB_APP_IDS={}", app.id),
            format!("APP_SECRET_CERTIFICATE_FILE={}", quoted(&self.0.join(KEY))),
        ];
        if app.webhook_secret.is_some() {
            lines.push(format!("GITHUB_WEBHOOK_SECRET_FILE={}", quoted(&self.0.join(SECRET))));
        }
        if !github.is_usual() {
            lines.push(format!("GITHUB_BASE_URL={}", github.api()));
        }
        lines.join("\n") + "\n"
    }

    /// The file with the variables.
    pub(crate) fn variables(&self) -> PathBuf {
        self.0.join(VARIABLES)
    }

    /// What was written, a line each.
    pub(crate) fn list(&self) -> String {
        let told = [(KEY, "the App's private key"), (SECRET, "the secret that signs its deliveries"), (VARIABLES, "the variables of `serve`")];
        let lines = told.iter().map(|(name, what)| (self.0.join(name), what)).filter(|(path, _)| path.exists());
        lines.map(|(path, what)| format!("  {}: {what}", path.display())).collect::<Vec<_>>().join("\n")
    }
}

/// For a shell; systemd and compose read it as well.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
