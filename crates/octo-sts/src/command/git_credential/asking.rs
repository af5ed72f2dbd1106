//! The agent, as `git-credential` sees it: a socket that only this user reaches.

use std::{
    fs::{DirBuilder, Metadata},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use octo_sts_client::sha256_hex;
use rustix::{fs::Mode, process::geteuid};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    time::{sleep, timeout},
};

use super::{
    agent::{LONGEST_LINE, SOCKET},
    kept::{Answer, Request, Token},
};

/// Longest wait for the agent: git waits, too.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether an agent that was started listens.
const LOOK: Duration = Duration::from_millis(5);

/// The agent of this user.
#[derive(Debug)]
pub(super) struct Agent {
    folder: PathBuf,
}

impl Agent {
    /// In the folder for such sockets, which the system empties when the user leaves; elsewhere, as git's own cache, in that for caches.
    /// `None` where there is neither, or others could reach into it.
    pub(super) fn of_user(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| variable(name).filter(|value| value.starts_with('/')).map(PathBuf::from);
        let base = set("XDG_RUNTIME_DIR").or_else(|| set("XDG_CACHE_HOME")).or_else(|| Some(set("HOME")?.join(".cache")))?;
        let folder = base.join("octo-sts");
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(&folder)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return None;
        }
        let ours = std::fs::symlink_metadata(&folder).is_ok_and(|found| is_ours_alone(&found));
        ours.then_some(Self { folder })
    }

    /// A token that is kept. An agent that is not there, or odd, keeps none.
    pub(super) async fn get(&self, key: &str) -> Option<Token> {
        let stream = self.connect().await.ok()?;
        ask(stream, &Request::Get { key: key.to_owned() }).await.ok()?.token()
    }

    /// Has a token kept, and an agent started where there is none.
    pub(super) async fn keep(&self, key: &str, kept: &Token) -> io::Result<()> {
        let stream = match self.connect().await {
            Ok(stream) => stream,
            Err(_) => self.start().await?,
        };
        let request = Request::Keep { key: key.to_owned(), token: kept.token.expose_secret().to_owned(), until: kept.until.as_second() };
        ask(stream, &request).await.map(drop)
    }

    /// Has a token forgotten; where no agent is, nothing is remembered.
    pub(super) async fn forget(&self, token: &SecretString) {
        if let Ok(stream) = self.connect().await {
            // What stays is revoked next, so it opens nothing.
            let _ = ask(stream, &Request::Forget { token_sha256: sha256_hex(token.expose_secret()) }).await;
        }
    }

    async fn connect(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect(self.folder.join(SOCKET)).await?;
        if stream.peer_cred()?.uid() == geteuid().as_raw() { Ok(stream) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    /// The agent gets no part of this environment, and none of these streams: git waits for the end of standard output.
    async fn start(&self) -> io::Result<UnixStream> {
        let mut agent = Command::new(std::env::current_exe()?);
        agent.arg("git-credential-agent").arg(&self.folder).env_clear().current_dir("/");
        agent.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let connected = timeout(PATIENCE, async {
            loop {
                match self.connect().await {
                    Ok(stream) => return stream,
                    Err(_) => sleep(LOOK).await,
                }
            }
        });
        connected.await.map_err(|_| io::Error::other("the agent does not listen"))
    }
}

/// A folder that others can neither read nor write.
fn is_ours_alone(found: &Metadata) -> bool {
    let for_others = Mode::from_raw_mode(found.mode()).intersects(Mode::RWXG | Mode::RWXO);
    found.is_dir() && found.uid() == geteuid().as_raw() && !for_others
}

async fn ask(stream: UnixStream, request: &Request) -> io::Result<Answer> {
    let exchanged = timeout(PATIENCE, async {
        let mut stream = BufReader::new(stream);
        stream.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes()).await?;
        let mut line = String::new();
        stream.take(LONGEST_LINE).read_line(&mut line).await?;
        Ok(serde_json::from_str(&line)?)
    });
    exchanged.await.map_err(|_| io::Error::other("the agent does not answer"))?
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn the_folder_is_this_users_alone() {
        let base = tempfile::tempdir().unwrap();
        let set = |wanted: &'static str, value: PathBuf| move |name: &str| (name == wanted).then(|| value.display().to_string());
        let agent = Agent::of_user(&set("XDG_RUNTIME_DIR", base.path().into())).unwrap();
        assert_eq!(std::fs::metadata(&agent.folder).unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&agent.folder, Permissions::from_mode(0o755)).unwrap();
        assert!(Agent::of_user(&set("XDG_RUNTIME_DIR", base.path().into())).is_none(), "others could look into it");
        assert!(Agent::of_user(&set("HOME", base.path().into())).unwrap().folder.ends_with(".cache/octo-sts"));
        assert!(Agent::of_user(&set("XDG_RUNTIME_DIR", "relative".into())).is_none());
    }

    #[test]
    fn a_link_is_no_folder() {
        let base = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), base.path().join("octo-sts")).unwrap();
        let runtime = base.path().display().to_string();
        assert!(Agent::of_user(&|name| (name == "XDG_RUNTIME_DIR").then(|| runtime.clone())).is_none());
    }
}
