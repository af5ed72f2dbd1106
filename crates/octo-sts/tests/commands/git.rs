//! `git-credential` with its agent: what git asked for once is not asked for again.

use std::{
    io::Write as _,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::support::{Server, TOKEN, octo_sts, run, text};

const QUESTION: &str = "protocol=http\nhost=127.0.0.1\npath=acme/app.git\n\n";

/// A user with a folder for sockets, whose agent ends when his tokens are forgotten.
struct User {
    server: Server,
    runtime: TempDir,
}

impl User {
    fn new() -> Self {
        Self { server: Server::with_tokens_until("2099-01-02T03:04:05Z"), runtime: tempfile::tempdir().unwrap() }
    }

    fn helper(&self, more: &[&str], question: &str) -> String {
        let url = self.server.url.as_str();
        let arguments = [&["git-credential", "--identity", "ci", "--url", url, "--api-url", url][..], more].concat();
        let mut command = octo_sts(&arguments);
        command.env("XDG_RUNTIME_DIR", self.runtime.path());
        let output = run(command, question);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    fn get(&self, token: &str) -> String {
        self.helper(&["--token", token, "get"], QUESTION)
    }

    fn erase(&self) {
        self.helper(&["--token", "a.b.c", "erase"], &format!("protocol=http\nhost=127.0.0.1\npassword={TOKEN}\n\n"));
    }

    fn folder(&self) -> PathBuf {
        self.runtime.path().join("octo-sts")
    }

    fn exchanges(&self) -> usize {
        self.server.seen().iter().filter(|line| line.starts_with("GET /sts/exchange")).count()
    }
}

impl Drop for User {
    /// An agent without tokens ends.
    fn drop(&mut self) {
        if !thread::panicking() {
            self.erase();
            let socket = self.folder().join("git-credential.sock");
            let ended = (0..250).any(|_| {
                !socket.exists() || {
                    thread::sleep(Duration::from_millis(20));
                    false
                }
            });
            assert!(ended, "an agent without tokens lives on");
        }
    }
}

#[test]
fn what_was_asked_once_is_kept_until_git_forgets_it() {
    let user = User::new();
    let first = user.get("a.b.c");
    assert!(first.contains(&format!("password={TOKEN}\npassword_expiry_utc=4071006245\n")), "{first}");
    assert_eq!((user.get("a.b.c"), user.exchanges()), (first.clone(), 1), "the second answer comes from the agent");
    user.erase();
    assert_eq!(user.server.seen().last().unwrap(), &format!("DELETE /installation/token {TOKEN}"));
    assert_eq!((user.get("a.b.c"), user.exchanges()), (first, 2), "what was forgotten is asked for anew");
}

/// T-105
#[test]
fn the_agents_socket_is_its_users_alone_and_no_token_is_in_a_file_or_argument() {
    let user = User::new();
    user.get("a.b.c");
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(user.folder()), 0o700);
    assert_eq!(mode(user.folder().join("git-credential.sock")), 0o600);
    for entry in user.folder().read_dir().unwrap() {
        let path = entry.unwrap().path();
        assert!(!path.is_file() || path.metadata().unwrap().len() == 0, "{} holds something", path.display());
    }
    let listed = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let listed = text(&listed.stdout);
    let agent = listed.lines().find(|line| line.contains("git-credential-agent") && line.contains(user.runtime.path().to_str().unwrap()));
    assert!(!agent.unwrap().contains("ghs_"), "{agent:?}");
}

#[test]
fn another_identity_repository_or_workload_gets_none_of_what_is_kept() {
    let user = User::new();
    user.get("a.b.c");
    user.get("x.y.z");
    assert_eq!(user.exchanges(), 2, "another OIDC token may be another's");
    user.helper(&["--token", "a.b.c", "get"], &QUESTION.replace("acme/app", "acme/other"));
    assert_eq!(user.exchanges(), 3);
    user.helper(&["--token", "a.b.c", "--scope", "ACME/App", "get"], QUESTION);
    assert_eq!(user.exchanges(), 3, "the letter case of a scope makes no other scope");
    user.helper(&["--token", "a.b.c", "--no-agent", "get"], QUESTION);
    assert_eq!(user.exchanges(), 4);
}

#[test]
fn an_agent_survives_who_talks_nonsense_and_a_killed_ones_socket_is_replaced() {
    let user = User::new();
    std::fs::create_dir(user.folder()).unwrap();
    std::fs::set_permissions(user.folder(), std::fs::Permissions::from_mode(0o700)).unwrap();
    drop(std::os::unix::net::UnixListener::bind(user.folder().join("git-credential.sock")).unwrap());
    user.get("a.b.c");
    for nonsense in [&b"\n"[..], b"{}\n", b"{\"get\":1}\n", &vec![b'x'; 70_000], b"\xff\xfe\n", b""] {
        let mut stream = UnixStream::connect(user.folder().join("git-credential.sock")).unwrap();
        // The agent may close before it has read all of it.
        let _ = stream.write_all(nonsense);
    }
    user.get("a.b.c");
    assert_eq!(user.exchanges(), 1);
}

#[test]
fn many_at_once_start_one_agent() {
    let user = User::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(user.get("a.b.c").contains(TOKEN)));
        }
    });
    let before = user.exchanges();
    user.get("a.b.c");
    assert_eq!(user.exchanges(), before);
}
