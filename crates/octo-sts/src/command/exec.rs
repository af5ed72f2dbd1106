//! Runs a command with the token in its environment, and nowhere else.

use std::{ffi::OsString, fs::File, io, os::unix::process::ExitStatusExt as _, process::ExitStatus};

use rustix::{
    process::{Pid, Signal, getpgrp, kill_process},
    termios::tcgetpgrp,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    process::{Child, Command},
    signal::unix::{Signal as Listener, SignalKind, signal},
};

/// The command is not there, as a shell would say it.
const NOT_FOUND: u8 = 127;
/// The command is there and cannot be run.
const NOT_RUNNABLE: u8 = 126;

/// Runs a command to its end, hands signals on, and returns the exit code a shell would give.
pub(crate) async fn run(command: &[OsString], token: &SecretString) -> u8 {
    let Some((program, arguments)) = command.split_first() else { return NOT_FOUND };
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return cannot_run(program, &error),
    };
    let mut child = Command::new(program);
    child.args(arguments).env("GH_TOKEN", token.expose_secret()).env("GITHUB_TOKEN", token.expose_secret());
    match child.spawn() {
        Ok(child) => wait(child, &mut signals).await.map_or_else(|error| cannot_run(program, &error), code),
        Err(error) => cannot_run(program, &error),
    }
}

fn cannot_run(program: &OsString, error: &io::Error) -> u8 {
    eprintln!("octo-sts: {} cannot be run: {error}", program.display());
    if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE }
}

async fn wait(mut child: Child, signals: &mut Signals) -> io::Result<ExitStatus> {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            signal = signals.next() => if let (Some(pid), Some(signal)) = (pid, signal) {
                // A child that has just ended is no failure: its end is seen next.
                let _ = kill_process(pid, signal);
            },
        }
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// Whether this process, and so the command, is in the foreground group of a terminal.
fn in_foreground() -> bool {
    File::open("/dev/tty").is_ok_and(|terminal| tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp()))
}

/// The signals that are handed on.
struct Signals {
    hangup: Listener,
    interrupt: Listener,
    quit: Listener,
    terminate: Listener,
    user1: Listener,
    user2: Listener,
    /// Whether a key press reaches the command by itself, as a member of the terminal's foreground group.
    from_terminal: bool,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
            from_terminal: in_foreground(),
        })
    }

    /// The next signal for the command; `None` for one that it has got already.
    async fn next(&mut self) -> Option<Signal> {
        tokio::select! {
            _ = self.interrupt.recv() => (!self.from_terminal).then_some(Signal::INT),
            _ = self.quit.recv() => (!self.from_terminal).then_some(Signal::QUIT),
            _ = self.hangup.recv() => Some(Signal::HUP),
            _ = self.terminate.recv() => Some(Signal::TERM),
            _ = self.user1.recv() => Some(Signal::USR1),
            _ = self.user2.recv() => Some(Signal::USR2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(line: &str) -> u8 {
        run(&["sh".into(), "-c".into(), line.into()], &"ghs_x".into()).await
    }

    #[tokio::test]
    async fn the_token_is_in_the_environment_and_the_code_is_kept() {
        assert_eq!(shell("test \"$GH_TOKEN\" = ghs_x && test \"$GITHUB_TOKEN\" = ghs_x").await, 0);
        assert_eq!(shell("exit 42").await, 42);
        assert_eq!(shell("kill -9 $$").await, 137);
        assert_eq!(run(&["octo-sts-no-such-command".into()], &"t".into()).await, NOT_FOUND);
        assert_eq!(run(&["/".into()], &"t".into()).await, NOT_RUNNABLE);
    }
}
