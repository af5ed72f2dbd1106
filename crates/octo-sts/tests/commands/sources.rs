//! Where an OIDC token comes from: each place as it is, played by a fake of it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
    thread,
};

use super::support::{Server, TOKEN, octo_sts, run, text};

/// The audience that is asked for; it must be encoded wherever it goes.
const AUDIENCE: &str = "https://sts.example/?a=1&b=2 #";
const ENCODED: &str = "https%3A%2F%2Fsts.example%2F%3Fa%3D1%26b%3D2+%23";

/// A server beside the workload, which answers every request alike.
struct Metadata {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Metadata {
    fn start(status: &'static str, body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heads);
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut head = [0; 8192];
                let read = stream.read(&mut head).unwrap_or(0);
                notes.lock().unwrap().push(String::from_utf8_lossy(&head[..read]).into_owned());
                _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            }
        });
        Self { address, heads }
    }

    /// The only request so far: its target, and whether it has this header.
    fn asked(&self, header: &str) -> (String, bool) {
        let heads = self.heads.lock().unwrap();
        assert_eq!(heads.len(), 1, "{heads:?}");
        let target = heads[0].split(' ').nth(1).unwrap().to_owned();
        (target, heads[0].to_ascii_lowercase().contains(&format!("\r\n{}\r\n", header.to_ascii_lowercase())))
    }
}

/// An exchange that is told nothing of where its token comes from.
fn exchange(server: &Server, variables: &[(&str, &str)]) -> Command {
    let arguments = ["exchange", "-v", "--scope", "acme/app", "--identity", "ci", "--url", &server.url, "--audience", AUDIENCE];
    let mut command = octo_sts(&arguments);
    command.envs(variables.iter().copied());
    command
}

fn assert_exchanged(server: &Server, output: &Output, place: &str, bearer: &str) {
    assert_eq!(text(&output.stdout), format!("{TOKEN}\n"), "{place}: {}", text(&output.stderr));
    let told = text(&output.stderr);
    assert!(told.contains(&format!("OIDC token from {place}, for audience {AUDIENCE}")), "{told}");
    assert!(!told.contains(bearer) && !told.contains(TOKEN), "{told}");
    assert!(server.seen().last().unwrap().ends_with(&format!(" {bearer}")), "{:?}", server.seen());
}

#[test]
fn metadata_servers_are_asked_as_each_wants_it() {
    for (place, variables, body, target, header) in [
        (
            "Google Cloud",
            &[("GCE_METADATA_HOST", "HOST")][..],
            "g.o.o",
            "/computeMetadata/v1/instance/service-accounts/default/identity?audience=AUD&format=full",
            "Metadata-Flavor: Google",
        ),
        (
            "Google Cloud",
            &[("K_SERVICE", "s"), ("GCE_METADATA_HOST", "HOST")],
            "g.o.o\n",
            "/computeMetadata/v1/instance/service-accounts/default/identity?audience=AUD&format=full",
            "Metadata-Flavor: Google",
        ),
        (
            "Azure",
            &[("IDENTITY_ENDPOINT", "http://HOST/msi/token"), ("IDENTITY_HEADER", "key")],
            r#"{"access_token":"a.z.u","expires_on":"1"}"#,
            "/msi/token?resource=AUD&api-version=2019-08-01",
            "X-IDENTITY-HEADER: key",
        ),
        (
            "GitHub Actions",
            &[("ACTIONS_ID_TOKEN_REQUEST_URL", "http://HOST/t?api-version=2.0"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner")],
            r#"{"count":1,"value":"g.h.a"}"#,
            "/t?api-version=2.0&audience=AUD",
            "Authorization: Bearer runner",
        ),
    ] {
        let (server, metadata) = (Server::start(), Metadata::start("200 OK", body));
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.replace("HOST", &metadata.address))).collect();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let output = run(exchange(&server, &variables), "");
        let bearer = ["g.o.o", "a.z.u", "g.h.a"].into_iter().find(|bearer| body.contains(bearer)).unwrap();
        assert_exchanged(&server, &output, place, bearer);
        assert_eq!(metadata.asked(header), (target.replace("AUD", ENCODED), true), "{place}");
    }
}

#[test]
fn a_virtual_machine_of_azure_is_asked_where_it_is_named() {
    let (server, metadata) = (Server::start(), Metadata::start("200 OK", r#"{"access_token":"a.z.u"}"#));
    let host = format!("http://{}/", metadata.address);
    let mut command = exchange(&server, &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &host), ("AZURE_CLIENT_ID", "one of several")]);
    command.args(["--from", "azure"]);
    assert_exchanged(&server, &run(command, ""), "Azure", "a.z.u");
    let target = format!("/metadata/identity/oauth2/token?resource={ENCODED}&client_id=one+of+several&api-version=2018-02-01");
    assert_eq!(metadata.asked("Metadata: true"), (target, true));
}

/// T-105: what a metadata server says besides a token is nobody's to read.
#[test]
fn a_place_that_gives_no_token_is_named_with_what_to_do_and_its_words_are_not_repeated() {
    for (status, body) in [("403 Forbidden", "inner detail"), ("200 OK", "inner detail"), ("200 OK", "{}"), ("302 Found", ""), ("200 OK", "")] {
        let (server, metadata) = (Server::start(), Metadata::start(status, body));
        for variables in [
            &[("GCE_METADATA_HOST", metadata.address.as_str())][..],
            &[("IDENTITY_ENDPOINT", &format!("http://{}/msi", metadata.address)), ("IDENTITY_HEADER", "sekret")],
            &[("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("http://{}/t", metadata.address)), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "sekret")],
        ] {
            let output = run(exchange(&server, variables), "");
            let told = text(&output.stderr);
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(4), String::new()), "Input: {status} {body} {variables:?} {told}");
            assert!(told.lines().last().unwrap().starts_with("  "), "what to do stands below: {told}");
            assert!(!told.contains("inner detail") && !told.contains("sekret") && server.seen().is_empty(), "Input: {status} {body} {told}");
        }
    }
    let unreachable = run(exchange(&Server::start(), &[("GCE_METADATA_HOST", "127.0.0.1:1")]), "");
    assert_eq!(unreachable.status.code(), Some(4), "{}", text(&unreachable.stderr));
    assert!(text(&unreachable.stderr).contains("Google's metadata server"), "{}", text(&unreachable.stderr));
}

/// A folder with a program that notes its arguments and prints a token.
fn program(name: &str, token: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, format!("#!/bin/sh\nfor argument; do echo \"$argument\"; done >{}\necho {token}\n", noted(folder.path()).display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn noted(folder: &Path) -> std::path::PathBuf {
    folder.join("arguments")
}

#[test]
fn programs_of_a_place_are_run_with_the_audience() {
    let claims = format!(r#"{{"aud":"{AUDIENCE}"}}"#);
    for (place, name, variable, arguments) in [
        ("CircleCI", "circleci", ("CIRCLECI", "true"), &["run", "oidc", "get", "--claims", &claims][..]),
        ("Buildkite", "buildkite-agent", ("BUILDKITE", "true"), &["oidc", "request-token", "--audience", AUDIENCE]),
        (
            "AWS",
            "aws",
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            &[
                "sts",
                "get-web-identity-token",
                "--audience",
                AUDIENCE,
                "--signing-algorithm",
                "RS256",
                "--query",
                "WebIdentityToken",
                "--output",
                "text",
            ],
        ),
    ] {
        let (server, folder) = (Server::start(), program(name, "p.r.o"));
        let mut command = exchange(&server, &[variable]);
        command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
        assert_exchanged(&server, &run(command, ""), place, "p.r.o");
        assert_eq!(fs::read_to_string(noted(folder.path())).unwrap().lines().collect::<Vec<_>>(), arguments, "{place}");
    }
}

#[test]
fn a_program_that_is_missing_or_fails_is_named() {
    for (variable, program) in [("BUILDKITE", "buildkite-agent"), ("AWS_LAMBDA_FUNCTION_NAME", "aws")] {
        let output = run(exchange(&Server::start(), &[(variable, "x"), ("PATH", "/nonexistent")]), "");
        assert_eq!(output.status.code(), Some(4));
        let told = text(&output.stderr);
        assert!(told.contains(program) && told.contains("  install it, or say with --from"), "{told}");
    }
    let server = Server::start();
    let without_program = exchange(&server, &[("CIRCLECI", "true"), ("CIRCLE_OIDC_TOKEN_V2", "c.i.r"), ("PATH", "/nonexistent")]);
    assert_exchanged(&server, &run(without_program, ""), "CircleCI", "c.i.r");
}

#[test]
fn variables_of_a_job_are_read() {
    for (place, variables) in [
        ("GitLab CI", &[("GITLAB_CI", "true"), ("ID_TOKEN", "v.a.r")][..]),
        ("the variable BITBUCKET_STEP_OIDC_TOKEN", &[("BITBUCKET_STEP_OIDC_TOKEN", "v.a.r")]),
        ("the variable TFC_WORKLOAD_IDENTITY_TOKEN", &[("TFC_WORKLOAD_IDENTITY_TOKEN", "v.a.r")]),
        ("the variable OCTO_STS_ID_TOKEN", &[("OCTO_STS_ID_TOKEN", "v.a.r"), ("GITLAB_CI", "true"), ("ID_TOKEN", "o.t.h")]),
    ] {
        let server = Server::start();
        assert_exchanged(&server, &run(exchange(&server, variables), ""), place, "v.a.r");
    }
}

/// The kubelet writes a projected token anew by moving a link; each exchange reads what is there now.
#[test]
fn a_projected_token_is_read_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (data, path) = (folder.path().join("..data"), folder.path().join("token"));
    std::os::unix::fs::symlink("..data/token", &path).unwrap();
    for bearer in ["o.l.d", "n.e.w"] {
        let next = folder.path().join(format!("..{bearer}"));
        fs::create_dir(&next).unwrap();
        fs::write(next.join("token"), bearer).unwrap();
        let moved = folder.path().join("..data_tmp");
        std::os::unix::fs::symlink(&next, &moved).unwrap();
        fs::rename(moved, &data).unwrap();
        let server = Server::start();
        let command = exchange(&server, &[("OCTO_STS_TOKEN_FILE", path.to_str().unwrap())]);
        assert_exchanged(&server, &run(command, ""), "Kubernetes", bearer);
    }
    fs::remove_file(&data).unwrap();
    let gone = run(exchange(&Server::start(), &[("OCTO_STS_TOKEN_FILE", path.to_str().unwrap())]), "");
    assert_eq!(gone.status.code(), Some(4), "{}", text(&gone.stderr));
    assert!(text(&gone.stderr).contains("project a service account token"), "{}", text(&gone.stderr));
}
