//! `exchange`, `revoke` and `git-credential`, as a person or a script runs them.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use super::support::{Server, TOKEN, octo_sts, run, text};

fn exchange(server: &Server, more: &[&str]) -> Command {
    let arguments = ["exchange", "--scope", "acme/app", "--identity", "ci", "--url", &server.url, "--api-url", &server.url, "--token", "a.b.c"];
    octo_sts(&[&arguments, more].concat())
}

fn code(command: Command) -> i32 {
    run(command, "").status.code().unwrap()
}

#[test]
fn a_token_is_printed_alone() {
    let server = Server::start();
    let output = run(exchange(&server, &[]), "");
    assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(0), format!("{TOKEN}\n"), String::new()));
    assert_eq!(server.seen(), ["GET /sts/exchange?scope=acme%2Fapp&scopes=acme%2Fapp&identity=ci a.b.c"]);
}

#[test]
fn every_way_to_an_oidc_token_ends_in_a_github_token() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwt");
    std::fs::write(&path, "a.b.c\n").unwrap();
    let from_file = format!("file:{}", path.display());
    let plain = ["exchange", "--scope", "acme/app", "--identity", "ci", "--url", &server.url];
    for (more, input) in [
        (&["--token-file", path.to_str().unwrap()][..], ""),
        (&["--token-file", "-"], "a.b.c"),
        (&["--from", "stdin"], "a.b.c\n"),
        (&["--from", &from_file], ""),
        (&["--token-command", "printf 'a.b.%s' c"], ""),
    ] {
        let output = run(octo_sts(&[&plain, more].concat()), input);
        assert_eq!(text(&output.stdout), format!("{TOKEN}\n"), "{more:?}: {}", text(&output.stderr));
    }
    let mut found = octo_sts(&[&plain[..], &["-v"]].concat());
    found.env("BITBUCKET_STEP_OIDC_TOKEN", "a.b.c");
    assert!(text(&run(found, "").stderr).contains("OIDC token from the variable BITBUCKET_STEP_OIDC_TOKEN, for audience 127.0.0.1"));
    let mut elsewhere = octo_sts(&[&plain[..], &["-v", "--domain", "sts.example"]].concat());
    elsewhere.env("BITBUCKET_STEP_OIDC_TOKEN", "a.b.c");
    assert!(text(&run(elsewhere, "").stderr).contains("for audience sts.example"));
    assert!(server.seen().iter().all(|line| line.ends_with(" a.b.c")));
}

#[test]
fn exit_codes_are_as_documented() {
    let server = Server::start();
    let with = |arguments: &[&str]| code(octo_sts(arguments));
    let url = server.url.as_str();
    assert_eq!(with(&["exchange", "--scope", "acme/app", "--identity", "other", "--url", url, "--token", "a.b.c"]), 1);
    assert_eq!(with(&["exchange", "--scope", "acme/app", "--url", url, "--token", "a.b.c"]), 2);
    assert_eq!(with(&["exchange", "--scope", "a/b", "--identity", "ci", "--url", "http://sts.example", "--token", "a.b.c"]), 2);
    assert_eq!(with(&["exchange", "--scope", "a/b", "--identity", "ci", "--url", "http://127.0.0.1:1", "--token", "a.b.c", "--timeout", "100ms"]), 3);
    assert_eq!(with(&["exchange", "--scope", "a/b", "--identity", "ci", "--url", url]), 4);
    assert_eq!(with(&["exchange", "--scope", "a/b", "--identity", "ci", "--url", url, "--token", "no-token"]), 4);
    assert_eq!(with(&["no-such-command"]), 2);
}

#[test]
fn a_refusal_is_the_services_sentence_and_what_was_asked() {
    let server = Server::start();
    let arguments = ["exchange", "--scope", "acme/app", "--identity", "other", "--url", &server.url, "--token", "a.sekret.c"];
    let output = run(octo_sts(&arguments), "");
    let told = text(&output.stderr);
    assert!(
        told.starts_with("octo-sts: token does not match trust policy [mismatch] (request r-1)\n  sub: me\n  asked for other on acme/app"),
        "{told}"
    );
    assert!(!told.contains("sekret") && output.stdout.is_empty());
}

/// T-105
#[test]
fn a_command_gets_the_token_in_its_environment_alone_and_it_ends_with_it() {
    let server = Server::start();
    let script = "test \"$GH_TOKEN\" = \"$GITHUB_TOKEN\" && printf %s \"$GH_TOKEN\" && tr '\\0' ' ' </proc/$$/cmdline >&2; exit 7";
    let output = run(exchange(&server, &["--exec", "--", "sh", "-c", script]), "");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(7), TOKEN.to_owned()));
    assert!(!text(&output.stderr).contains("sekret"), "{}", text(&output.stderr));
    assert_eq!(server.seen().last().unwrap(), &format!("DELETE /installation/token {TOKEN}"));
}

#[test]
fn a_command_that_cannot_be_run_leaves_no_token_behind() {
    let server = Server::start();
    assert_eq!(code(exchange(&server, &["--", "octo-sts-no-such-command"])), 127);
    assert_eq!(server.seen().last().unwrap(), &format!("DELETE /installation/token {TOKEN}"));
}

#[test]
fn a_signal_reaches_the_command_and_the_token_is_revoked_all_the_same() {
    let server = Server::start();
    let script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = exchange(&server, &["--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "caught");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(server.seen().last().unwrap(), &format!("DELETE /installation/token {TOKEN}"));
}

#[test]
fn terraform_asks_with_a_map_and_gets_one() {
    let server = Server::start();
    let query = format!(r#"{{"scope":"acme/app","identity":"ci","url":"{}"}}"#, server.url);
    let output = run(octo_sts(&["exchange", "--format", "terraform", "--token", "a.b.c"]), &query);
    let answer: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer.values().all(serde_json::Value::is_string));
    assert_eq!(answer["token"], TOKEN);
    assert_eq!(code(octo_sts(&["exchange", "--format", "terraform"])), 2);
}

#[test]
fn a_token_is_revoked_from_standard_input() {
    let server = Server::start();
    let output = run(octo_sts(&["revoke", "--api-url", &server.url]), "ghs_x\n");
    assert_eq!((output.status.code(), server.seen()), (Some(0), vec!["DELETE /installation/token ghs_x".to_owned()]));
    assert_eq!(run(octo_sts(&["revoke", "--api-url", &server.url]), "\n").status.code(), Some(2));
}

#[test]
fn git_gets_a_password_for_its_repository_and_forgetting_it_revokes_it() {
    let server = Server::start();
    let helper = |operation: &str, question: &str| {
        let arguments = ["git-credential", "--identity", "ci", "--url", &server.url, "--api-url", &server.url, "--token", "a.b.c", operation];
        run(octo_sts(&arguments), question)
    };
    let output = helper("get", "protocol=https\nhost=127.0.0.1\npath=acme/app.git\n\n");
    assert_eq!(text(&output.stdout), format!("username=x-access-token\npassword={TOKEN}\npassword_expiry_utc=1767323045\n"));
    assert!(server.seen()[0].contains("scope=acme%2Fapp&"));
    assert!(helper("get", "protocol=https\nhost=elsewhere.example\npath=acme/app\n\n").stdout.is_empty());
    assert_eq!(helper("new-operation", "protocol=https\nhost=127.0.0.1\n\n").status.code(), Some(0));
    assert_eq!(server.seen().len(), 1, "another host's question leads to no exchange");
    helper("store", "protocol=https\nhost=127.0.0.1\npassword=ghs_x\n\n");
    helper("erase", "protocol=https\nhost=127.0.0.1\npassword=ghp_personal\n\n");
    assert_eq!(server.seen().len(), 1, "a password that is not ours is left alone");
    helper("erase", "protocol=https\nhost=127.0.0.1\npassword=ghs_x\n\n");
    assert_eq!(server.seen()[1], "DELETE /installation/token ghs_x");
}

#[test]
fn git_itself_asks_and_forgets() {
    let server = Server::start();
    let url = server.url.as_str();
    let binary = env!("CARGO_BIN_EXE_octo-sts");
    let helper = format!("credential.helper=!{binary} git-credential --identity ci --url {url} --api-url {url} --token a.b.c");
    let git = |operation: &str, question: &str| {
        let mut git = Command::new("git");
        git.args(["-c", "credential.helper=", "-c", &helper, "-c", "credential.useHttpPath=true", "credential", operation]);
        git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_GLOBAL", "/dev/null").current_dir("/");
        text(&run(git, question).stdout)
    };
    let filled = git("fill", &format!("url={url}/acme/app.git\n\n"));
    assert!(filled.contains(&format!("username=x-access-token\npassword={TOKEN}\n")), "{filled}");
    git("reject", &filled);
    assert_eq!(server.seen().last().unwrap(), &format!("DELETE /installation/token {TOKEN}"));
}

#[test]
fn man_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(octo_sts(&["man", folder.path().to_str().unwrap()]), "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for page in ["octo-sts.1", "octo-sts-exchange.1", "octo-sts-git-credential.1"] {
        assert!(std::fs::read_to_string(folder.path().join(page)).unwrap().contains(".TH"), "Page: {page}");
    }
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(octo_sts(&["completions", shell]), "");
        assert!(text(&output.stdout).contains("git-credential"), "Shell: {shell}");
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let mut child = octo_sts(&["demo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn https_goes_through_the_proxy_of_the_environment_and_a_wrong_one_is_said() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap().to_string();
    let asked = std::thread::spawn(move || {
        let mut line = String::new();
        BufReader::new(proxy.accept().unwrap().0).read_line(&mut line).unwrap();
        line
    });
    let exchange = |variable: &str, value: &str| {
        let arguments = ["exchange", "--scope", "a/b", "--identity", "ci", "--url", "https://sts.example", "--token", "a.b.c", "--timeout", "2s"];
        let mut command = octo_sts(&arguments);
        command.env(variable, value);
        run(command, "")
    };
    assert_eq!(exchange("https_proxy", &address).status.code(), Some(3));
    assert_eq!(asked.join().unwrap(), "CONNECT sts.example:443 HTTP/1.1\r\n");
    let wrong = exchange("HTTPS_PROXY", "socks5://me:secret@proxy:1080");
    assert_eq!(wrong.status.code(), Some(2));
    let said = text(&wrong.stderr);
    assert!(said.contains("HTTPS_PROXY: a proxy is written `http://HOST:PORT`") && !said.contains("secret"), "{said}");
}
