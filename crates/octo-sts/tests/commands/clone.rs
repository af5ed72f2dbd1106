//! `git clone` and `git push` over HTTP, by git itself on both sides; the password is a token that the helper gets.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use super::support::{Server, TOKEN, text};

/// `x-access-token` and the token, as a browser would send them.
const BASIC: &str = "Basic eC1hY2Nlc3MtdG9rZW46Z2hzX3Nla3JldDAxMjM0NTY3ODk=";

/// Repositories below a folder, for who has the token.
struct Host {
    url: String,
    folder: tempfile::TempDir,
    /// Each request line, and whether it had the token.
    seen: Arc<Mutex<Vec<(String, bool)>>>,
}

impl Host {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bare = folder.path().join("acme/app.git");
        git(folder.path(), &["init", "--quiet", "--bare", "--initial-branch=main", bare.to_str().unwrap()]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (root, notes) = (folder.path().to_owned(), Arc::clone(&seen));
        thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(|stream| answer(stream, &root, &notes)));
        Self { url, folder, seen }
    }

    fn seen(&self) -> Vec<(String, bool)> {
        self.seen.lock().unwrap().clone()
    }
}

/// One request, handed to git's own server where the token is right.
fn answer(stream: TcpStream, root: &Path, notes: &Mutex<Vec<(String, bool)>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).unwrap() == 0 {
            return;
        }
    }
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let header = |name: &str| head.lines().find_map(|line| line.to_ascii_lowercase().starts_with(name).then(|| line[name.len()..].trim().to_owned()));
    let may = header("authorization:").as_deref() == Some(BASIC);
    notes.lock().unwrap().push((line.clone(), may));
    let mut body = vec![0; header("content-length:").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    if !may {
        let status = if line.starts_with("DELETE") { "204 No Content" } else { "401 Unauthorized\r\nwww-authenticate: Basic realm=\"git\"" };
        write!(stream.get_mut(), "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        return;
    }
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut backend = Command::new("git");
    backend.arg("http-backend").env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", "x-access-token");
    backend.env("REQUEST_METHOD", method).env("PATH_INFO", path).env("QUERY_STRING", query).env("CONTENT_LENGTH", body.len().to_string());
    for (variable, name) in [("CONTENT_TYPE", "content-type:"), ("HTTP_CONTENT_ENCODING", "content-encoding:"), ("GIT_PROTOCOL", "git-protocol:")] {
        backend.envs(header(name).map(|value| (variable, value)));
    }
    let mut backend = backend.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    backend.stdin.take().unwrap().write_all(&body).unwrap();
    let output = backend.wait_with_output().unwrap().stdout;
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n").unwrap();
    stream.get_mut().write_all(&output).unwrap();
}

/// git with nothing of this machine's configuration.
fn plain_git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    for (name, value) in [("NAME", "Mona"), ("EMAIL", "mona@example.com")] {
        git.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    git
}

fn git(folder: &Path, arguments: &[&str]) -> Output {
    plain_git(folder).args(arguments).output().unwrap()
}

/// The same, with our helper as the guide has it.
fn helped_git(service: &Server, host: &Host, folder: &Path, arguments: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_octo-sts");
    let (url, api) = (&service.url, &host.url);
    let helper = format!("credential.helper=!{binary} git-credential --identity ci --url {url} --api-url {api} --token a.b.c --no-agent");
    let mut git = plain_git(folder);
    git.args(["-c", "credential.helper=", "-c", &helper, "-c", "credential.useHttpPath=true"]).args(arguments).output().unwrap()
}

fn assert_done(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// T-105
#[test]
fn git_clones_and_pushes_with_a_token_that_is_nowhere_on_disk() {
    let (service, host, home) = (Server::start(), Host::start(), tempfile::tempdir().unwrap());
    let address = format!("{}/acme/app.git", host.url);
    assert_done(&helped_git(&service, &host, home.path(), &["clone", "--quiet", &address, "first"]));
    let first = home.path().join("first");
    fs::write(first.join("README.md"), "hello\n").unwrap();
    assert_done(&git(&first, &["add", "README.md"]));
    assert_done(&git(&first, &["commit", "--quiet", "--message", "Begin"]));
    assert_done(&helped_git(&service, &host, &first, &["push", "--quiet", "origin", "HEAD:main"]));
    assert_done(&helped_git(&service, &host, home.path(), &["clone", "--quiet", &address, "second"]));
    assert_eq!(fs::read_to_string(home.path().join("second/README.md")).unwrap(), "hello\n");

    assert!(service.seen().iter().all(|line| line.contains("scope=acme%2Fapp&") && line.ends_with(" a.b.c")), "{:?}", service.seen());
    assert_eq!(service.seen().len(), 3, "one exchange for each command of git's");
    let refused = host.seen().iter().filter(|(_, may)| !may).count();
    assert_eq!(refused, 3, "git asks without a password first: {:?}", host.seen());
    for path in files_below(home.path()).iter().chain(&files_below(host.folder.path())) {
        let held = fs::read(path).unwrap();
        assert!(!held.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()), "{} holds the token", path.display());
    }
}

#[test]
fn a_repository_that_the_policy_does_not_open_ends_git_with_the_services_sentence() {
    let (service, host, home) = (Server::start(), Host::start(), tempfile::tempdir().unwrap());
    let binary = env!("CARGO_BIN_EXE_octo-sts");
    let helper =
        format!("credential.helper=!{binary} git-credential --identity other --url {} --api-url {} --token a.b.c --no-agent", service.url, host.url);
    let address = format!("{}/acme/app.git", host.url);
    let output =
        plain_git(home.path()).args(["-c", "credential.helper=", "-c", &helper, "-c", "credential.useHttpPath=true", "clone", &address]).output();
    let output = output.unwrap();
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("octo-sts: token does not match trust policy [mismatch]"), "{}", text(&output.stderr));
}
