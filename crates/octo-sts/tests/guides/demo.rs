//! `octo-sts demo --serve` in a process of its own, and the shell of the person in front of it.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The repository that the demo's lines speak of.
pub(crate) const REPOSITORY: &str = "acme/app";
const BINARY: &str = env!("CARGO_BIN_EXE_octo-sts");
/// How long the demo may take to start, or to see a change of its folder.
const PATIENCE: Duration = Duration::from_secs(30);

/// The branch that a job runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branch {
    Main,
    Feature,
}

/// A demo that is up, with a folder of its own.
pub(crate) struct Demo {
    child: Child,
    folder: tempfile::TempDir,
    said: Arc<(Mutex<Vec<String>>, Condvar)>,
    exports: Vec<(String, String)>,
    /// The issuer that policies name here.
    pub(crate) issuer: String,
    other_bearer: String,
}

/// What the service said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    /// The token of a success.
    pub(crate) fn token(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["token"].as_str().unwrap()
    }
}

impl Demo {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(BINARY);
        command.args(["demo", "--serve", "--port", "0", "--folder"]).arg(folder.path().join("repositories"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let said = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (output, heard) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&said));
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                heard.0.lock().unwrap().push(line);
                heard.1.notify_all();
            }
        });
        let mut demo = Self { child, folder, said, exports: Vec::new(), issuer: String::new(), other_bearer: String::new() };
        demo.other_bearer = demo.wait_for(0, |line| line.strip_prefix("# export ACTIONS_ID_TOKEN_REQUEST_TOKEN=").map(str::to_owned));
        demo.issuer = demo.wait_for(0, |line| line.strip_prefix("issuer: ").map(str::to_owned));
        let lines = demo.said.0.lock().unwrap().clone();
        let exports = lines.iter().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        demo.exports = exports.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect();
        assert_eq!(demo.exports.len(), 5, "{lines:?}");
        demo
    }

    /// The first line from this one on that tells what is looked for.
    fn wait_for<T>(&self, from: usize, wanted: impl Fn(&str) -> Option<T>) -> T {
        let found = |lines: &[String]| lines.get(from..).unwrap_or_default().iter().find_map(|line| wanted(line));
        let lines = self.said.0.lock().unwrap();
        let (lines, _) = self.said.1.wait_timeout_while(lines, PATIENCE, |lines| found(lines).is_none()).unwrap();
        found(&lines).unwrap_or_else(|| panic!("the demo did not say what it should: {lines:?}"))
    }

    /// A path in the person's own folder.
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A variable that the demo prints.
    pub(crate) fn exported(&self, name: &str) -> &str {
        self.exports.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap()
    }

    /// Commits a policy: `issuer:` and the rest of the file.
    pub(crate) fn policy(&self, repository: &str, identity: &str, rest: &str) {
        self.commit(repository, identity, &format!("issuer: {}\n{rest}", self.issuer));
    }

    /// Commits a policy file as it is. The demo never sees half of it.
    pub(crate) fn commit(&self, repository: &str, identity: &str, text: &str) {
        let path = format!(".github/chainguard/{identity}.sts.yaml");
        let file = self.path("repositories").join(repository).join(&path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(self.path("next"), text).unwrap();
        let from = self.said.0.lock().unwrap().len();
        fs::rename(self.path("next"), file).unwrap();
        let line = format!("{repository}: {path} is as in the folder");
        self.wait_for(from, |said| (said == line).then_some(()));
    }

    /// Deletes a policy.
    pub(crate) fn remove(&self, repository: &str, identity: &str) {
        let path = format!(".github/chainguard/{identity}.sts.yaml");
        let from = self.said.0.lock().unwrap().len();
        fs::remove_file(self.path("repositories").join(repository).join(&path)).unwrap();
        let line = format!("{repository}: {path} is gone");
        self.wait_for(from, |said| (said == line).then_some(()));
    }

    /// A program in the environment of a job: what the demo exports, and `octo-sts` on the path.
    pub(crate) fn command(&self, program: &str) -> Command {
        assert_installed(program);
        let own = Path::new(BINARY).parent().unwrap().to_owned();
        let path = env::join_paths([own].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path).env("HOME", self.folder.path()).current_dir(self.folder.path()).stdin(Stdio::null());
        command.envs(self.exports.iter().map(|(name, value)| (name, value))).env("GITHUB_ACTIONS", "true");
        command
    }

    /// Runs lines as a person pastes them, but ends at the first that fails.
    pub(crate) fn shell(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        ["curl", "jq"].into_iter().for_each(assert_installed);
        self.command("bash").args(["-euo", "pipefail", "-c", script]).envs(variables.iter().copied()).output().unwrap()
    }

    /// What lines print; they must not fail.
    pub(crate) fn prints(&self, script: &str, variables: &[(&str, &str)]) -> String {
        let output = self.shell(script, variables);
        let (said, errors) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{}\n{script}\n{said}\n{errors}", output.status);
        said.trim_end().to_owned()
    }

    /// An exchange with curl, for the audience that the guides tell people to ask for: the repository, or the service for an organisation.
    pub(crate) fn exchange(&self, branch: Branch, scope: &str, identity: &str) -> Reply {
        let script = r#"
            OIDC_TOKEN=$(curl -sSf -H "Authorization: Bearer ${BEARER:-$ACTIONS_ID_TOKEN_REQUEST_TOKEN}" \
              "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$AUDIENCE" | jq -er .value)
            curl -sS -w '\n%{http_code}' -H "Authorization: Bearer $OIDC_TOKEN" "$STS_URL/sts/exchange?scope=$SCOPE&identity=$IDENTITY""#;
        let bearer = if branch == Branch::Main { "" } else { &self.other_bearer };
        let audience = if scope.contains('/') { format!("https://github.com/{scope}") } else { "octo-sts.localhost".to_owned() };
        let said = self.prints(script, &[("BEARER", bearer), ("AUDIENCE", &audience), ("SCOPE", scope), ("IDENTITY", identity)]);
        let (body, status) = said.rsplit_once('\n').unwrap();
        Reply { status: status.parse().unwrap(), body: serde_json::from_str(body).unwrap() }
    }

    /// The status of a call to GitHub.
    pub(crate) fn github(&self, token: &str, method: &str, path: &str, body: &str) -> u16 {
        let script =
            r#"curl -sS -o answer -w '%{http_code}' -X "$METHOD" -H "Authorization: Bearer $TOKEN" ${BODY:+-d "$BODY"} "$GITHUB_API$URL_PATH""#;
        self.prints(script, &[("TOKEN", token), ("METHOD", method), ("URL_PATH", path), ("BODY", body)]).parse().unwrap()
    }

    /// Whether the token reads this repository.
    pub(crate) fn reads(&self, token: &str, repository: &str) -> bool {
        self.github(token, "GET", &format!("/repos/{repository}"), "") == 200
    }

    /// Whether the token writes a file of this repository.
    pub(crate) fn writes(&self, token: &str, repository: &str) -> bool {
        let change = r#"{"message":"Write a note","content":"bm90ZQ=="}"#;
        self.github(token, "PUT", &format!("/repos/{repository}/contents/NOTE"), change) == 201
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let _ = self.child.wait();
    }
}

/// A missing program is a failure, never a test that passes unseen.
fn assert_installed(program: &str) {
    let path = env::var_os("PATH").unwrap();
    let found = env::split_paths(&path).any(|folder| folder.join(program).is_file());
    assert!(found, "`{program}` is missing: the guides are followed with it. Install it, or run `./test.sh components`, which does");
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
