//! The process that keeps git's tokens in its memory until the last of them has ended.

use std::{
    fs::{File, Permissions, TryLockError},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use octo_sts_types::{Clock, SystemClock};
use rustix::process::{geteuid, setsid};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::{
    super::{block_on, failure::Failure, serve::forbid_core_dumps},
    kept::Kept,
};

/// The socket's name in the agent's folder.
pub(super) const SOCKET: &str = "git-credential.sock";
/// Held by the agent for as long as it lives, so that there is one.
const LOCK: &str = "git-credential.lock";
/// Longest line, in bytes.
pub(super) const LONGEST_LINE: u64 = 64 * 1024;
/// How long an agent without tokens waits for the first.
const FIRST_TOKEN: Duration = Duration::from_secs(10);
/// Longest time for one question.
const ONE_QUESTION: Duration = Duration::from_secs(1);
/// The machine may sleep while time goes on, so the end is looked for this often.
const LOOK: Duration = Duration::from_mins(1);

/// Arguments of `octo-sts git-credential-agent`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder of its socket
    folder: PathBuf,
}

/// Keeps tokens until the last has ended. Where another agent does so already, ends at once.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let lock = File::create(args.folder.join(LOCK)).context("the agent's folder cannot be written").map_err(Failure::usage)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(ExitCode::SUCCESS),
        Err(TryLockError::Error(error)) => return Err(Failure::usage(error.into())),
    }
    // A terminal that is closed does not end it, and nobody reads its memory.
    let _ = setsid();
    forbid_core_dumps();
    let path = args.folder.join(SOCKET);
    block_on(async {
        let listener = listen(&path).context("the agent cannot listen").map_err(Failure::usage)?;
        serve(&listener, &SystemClock).await;
        Ok(())
    })?;
    // The lock is held until the socket is gone: the next agent's socket is never the one that is removed.
    let _ = std::fs::remove_file(&path);
    drop(lock);
    Ok(ExitCode::SUCCESS)
}

/// What lies there is left from an agent that was killed: the lock says that none lives.
fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(listener: &UnixListener, clock: &dyn Clock) {
    let mut kept = Kept::default();
    let started = clock.monotonic();
    let mut first = true;
    loop {
        let patience = match kept.end() {
            Some(end) => Duration::try_from(end.duration_since(clock.now())).unwrap_or_default(),
            None if first => FIRST_TOKEN.saturating_sub(clock.monotonic().saturating_duration_since(started)),
            None => Duration::ZERO,
        };
        first &= kept.end().is_none();
        if patience.is_zero() {
            return;
        }
        if let Ok(Ok((stream, _))) = timeout(patience.min(LOOK), listener.accept()).await {
            // A question that is broken off is its asker's loss alone.
            let _ = timeout(ONE_QUESTION, answer(stream, &mut kept, clock)).await;
        }
    }
}

async fn answer(stream: UnixStream, kept: &mut Kept, clock: &dyn Clock) -> io::Result<()> {
    if stream.peer_cred()?.uid() != geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    (&mut stream).take(LONGEST_LINE).read_line(&mut line).await?;
    let answer = kept.answer(serde_json::from_str(&line)?, clock.now());
    stream.write_all(format!("{}\n", serde_json::to_string(&answer)?).as_bytes()).await
}
