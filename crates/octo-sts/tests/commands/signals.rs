//! `exchange --exec`: signals, exit codes, and the token that ends whatever happens.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::support::{Server, TOKEN, octo_sts, run, text};

fn exec(server: &Server, command: &[&str]) -> Command {
    let url = server.url.as_str();
    let arguments = ["exchange", "--scope", "acme/app", "--identity", "ci", "--url", url, "--api-url", url, "--token", "a.b.c", "--exec", "--"];
    octo_sts(&[&arguments, command].concat())
}

fn assert_revoked_once(server: &Server, what: &str) {
    let revoked = server.seen().iter().filter(|line| line.as_str() == format!("DELETE /installation/token {TOKEN}")).count();
    assert_eq!(revoked, 1, "{what}: {:?}", server.seen());
}

/// A command that says it is there, and then goes on as this script says.
fn started(server: &Server, script: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = exec(server, &["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    (child, lines)
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

const SIGNALS: [(&str, Signal, i32); 6] = [
    ("HUP", Signal::HUP, 1),
    ("INT", Signal::INT, 2),
    ("QUIT", Signal::QUIT, 3),
    ("USR1", Signal::USR1, 10),
    ("USR2", Signal::USR2, 12),
    ("TERM", Signal::TERM, 15),
];

#[test]
fn every_signal_reaches_the_command_which_decides_what_it_means() {
    for (name, signal, _) in SIGNALS {
        let server = Server::start();
        let (mut child, mut lines) = started(&server, &format!("trap 'echo caught; exit 5' {name}; echo ready; while :; do sleep 0.02; done"));
        send(&child, signal);
        assert_eq!(lines.next().as_deref(), Some("caught"), "Signal: {name}");
        assert_eq!(child.wait().unwrap().code(), Some(5), "Signal: {name}");
        assert_revoked_once(&server, name);
    }
}

#[test]
fn a_command_that_a_signal_ends_gives_the_code_that_a_shell_would() {
    for (name, signal, number) in SIGNALS {
        let server = Server::start();
        // `exec`, so that it is the command itself that has no handler.
        let (mut child, _) = started(&server, "echo ready; exec sleep 60");
        send(&child, signal);
        let status = child.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(128 + number), None), "Signal: {name}");
        assert_revoked_once(&server, name);
    }
}

#[test]
fn a_command_that_goes_on_after_a_signal_is_waited_for() {
    let server = Server::start();
    let script = "count=0; trap 'count=$((count + 1)); echo caught; [ $count = 3 ] && exit 0' INT; echo ready; while :; do sleep 0.02; done";
    let (mut child, mut lines) = started(&server, script);
    for _ in 0..3 {
        assert_eq!(server.seen().len(), 1, "the token lives as long as the command");
        send(&child, Signal::INT);
        assert_eq!(lines.next().as_deref(), Some("caught"));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_revoked_once(&server, "INT");
}

#[test]
fn every_exit_code_is_handed_on_and_those_of_a_shell_are_used_for_what_cannot_run() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "no program").unwrap();
    for (command, code) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 1"], 1),
        (&["sh", "-c", "exit 255"], 255),
        (&["sh", "-c", "kill -KILL $$"], 137),
        (&["sh", "-c", "kill -SEGV $$"], 139),
        (&["/no/such/program"], 127),
        (&["no-such-program"], 127),
        (&["/"], 126),
        (&[plain.to_str().unwrap()], 126),
    ] {
        let server = Server::start();
        let output = run(exec(&server, command), "");
        assert_eq!(output.status.code(), Some(code), "Command: {command:?} {}", text(&output.stderr));
        assert_revoked_once(&server, &format!("{command:?}"));
        let cannot = matches!(code, 126 | 127);
        assert_eq!(text(&output.stderr).contains("cannot be run"), cannot, "Command: {command:?} {}", text(&output.stderr));
    }
}

/// T-105
#[test]
fn a_command_has_the_callers_streams_and_environment_and_the_token_is_in_nobodys_arguments() {
    let server = Server::start();
    let script = "read line; echo \"out $line $MINE\"; echo err >&2; tr '\\0' ' ' </proc/$PPID/cmdline; tr '\\0' ' ' </proc/$$/cmdline";
    let mut command = exec(&server, &["sh", "-c", script]);
    command.env("MINE", "kept");
    let output = run(command, "in\n");
    assert!(text(&output.stdout).starts_with("out in kept\n") && !text(&output.stdout).contains(TOKEN), "{}", text(&output.stdout));
    assert_eq!(text(&output.stderr), "err\n");
}
