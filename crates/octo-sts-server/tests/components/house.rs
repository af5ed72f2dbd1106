//! A GitHub with Apps on `acme`, policies in `acme/app`, and an issuer.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use octo_sts_sandbox::{FakeApp, FakeGitHub, FakeIssuer, Sandbox, SandboxSettings, Selection};
use octo_sts_types::{AppId, InstallationId};
use serde_json::{Value, json};

use crate::clock::MovedByFile;

pub(crate) const DOMAIN: &str = "sts.example.com";
pub(crate) const POLICY: &str = ".github/chainguard/ci.sts.yaml";
/// The secret of the App's webhook.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
const FIRST_APP: u64 = 4_242;

pub(crate) struct House {
    pub(crate) sandbox: Sandbox,
    pub(crate) apps: Vec<FakeApp>,
    pub(crate) installations: Vec<InstallationId>,
    issuer: FakeIssuer,
    folder: tempfile::TempDir,
    clock: Arc<MovedByFile>,
}

impl House {
    /// So many Apps, all on `acme`; `acme/app` has the policies `ci` and `checks`.
    pub(crate) async fn with_apps(count: u64) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(MovedByFile(folder.path().join("clock")));
        let settings =
            SandboxSettings { tls: true, path_prefix: "/api/v3".into(), hourly_quota: 15_000, clock: clock.clone(), ..SandboxSettings::default() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let github = sandbox.github();
        github.create_repository("acme/app");
        let apps: Vec<_> = (0..count).map(|at| github.create_app(FIRST_APP + at, &FakeGitHub::all_permissions())).collect();
        let installations = apps.iter().map(|app| app.install("acme", &Selection::All)).collect();
        let issuer = sandbox.issuer("gha");
        let house = Self { sandbox, apps, installations, issuer, folder, clock };
        house.write_policy("contents: read");
        house.sandbox.github().put_file("acme/app", ".github/chainguard/checks.sts.yaml", house.policy("checks: write"));
        Arc::new(house)
    }

    /// Moves the time of GitHub and issuer ahead, and of those services that have the file [`House::clock`].
    pub(crate) fn set_ahead(&self, by: Duration) {
        self.clock.set_ahead(by);
    }

    /// The file that moves time.
    pub(crate) fn clock(&self) -> &str {
        self.clock.0.to_str().unwrap()
    }

    fn policy(&self, permissions: &str) -> String {
        format!("issuer: {}\nsubject_pattern: repo:acme/app:.+\npermissions:\n  {permissions}\n", self.issuer.url())
    }

    /// Writes the policy `ci`; returns the commit.
    pub(crate) fn write_policy(&self, permissions: &str) -> String {
        self.sandbox.github().put_file("acme/app", POLICY, self.policy(permissions))
    }

    /// A token whose subject ends so, with an id of its own.
    pub(crate) fn token(&self, subject: &str) -> String {
        self.issuer.token(&json!({"sub": format!("repo:acme/app:{subject}"), "aud": DOMAIN}))
    }

    /// The App that a token came from.
    pub(crate) fn app_of(&self, token: &str) -> AppId {
        self.sandbox.github().ledger().iter().rev().find(|entry| entry.token == token).unwrap().app
    }

    /// A file of this house.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The variables of a service with the keys of all Apps in files: an `APP_CONFIG_FILE` with one pool.
    pub(crate) fn pool(&self) -> Vec<(&'static str, String)> {
        let entry = |app: &FakeApp| {
            let path = self.file(&format!("{}.pem", app.id()), &app.private_key_pem());
            format!("      - {{app_id: {}, private_key_file: '{}'}}\n", app.id(), path.display())
        };
        let apps: String = self.apps.iter().map(entry).collect();
        let path = self.file("apps.yaml", &format!("orgs:\n  - name: '*'\n    apps:\n{apps}"));
        vec![("APP_CONFIG_FILE", path.to_str().unwrap().to_owned())]
    }

    /// A push to the default branch of `acme/app` that changed the policy `ci`.
    pub(crate) fn push(&self, before: &str) -> Value {
        let after = self.sandbox.github().head("acme/app", "main");
        json!({
            "ref": "refs/heads/main", "before": before, "after": after, "forced": false,
            "commits": [{"id": after, "added": [], "modified": [POLICY], "removed": []}],
            "repository": {"name": "app", "full_name": "acme/app", "owner": {"login": "acme"}, "default_branch": "main"},
            "installation": {"id": self.installations[0]}, "sender": {"login": "mona"}, "pusher": {"name": "mona"},
        })
    }
}

/// Variables as a service takes them.
pub(crate) fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
