//! `octo-sts audit` on a file that the service's own writer made.

use std::{fs, path::Path, sync::Arc, time::Duration};

use super::support::{octo_sts, run, text};
use octo_sts_audit::{Actor, Audit, AuditSettings, ExchangeEvent, Outcome};
use octo_sts_client::sha256_hex;
use octo_sts_types::SystemClock;

fn event(scope: &str, token: &str, time: &str) -> ExchangeEvent {
    ExchangeEvent {
        actor: Some(Actor { iss: "https://issuer.example".into(), sub: "repo:acme/ci".into(), claims: vec![] }),
        scope: scope.into(),
        identity: "ci".into(),
        token_sha256: if token.is_empty() { String::new() } else { sha256_hex(token) },
        outcome: if token.is_empty() { Outcome::Refused } else { Outcome::Granted },
        time: time.parse().unwrap(),
        repositories: Some(vec![scope.into()]),
        ..ExchangeEvent::default()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn write(path: &Path) {
    let settings = AuditSettings { file: Some(path.to_owned()), ..AuditSettings::default() };
    let (audit, task) = Audit::start(settings, None, Arc::new(SystemClock)).unwrap();
    audit.record(event("acme/app", "ghs_one", "2026-01-01T00:00:00Z")).await;
    audit.record(event("acme/lib", "ghs_two", "2026-01-02T00:00:00Z")).await;
    audit.record(event("acme/app", "", "2026-01-03T00:00:00Z")).await;
    task.finish(Duration::from_secs(5)).await;
}

#[test]
fn the_file_answers_questions_and_shows_tampering() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    write(&path);
    let file = path.to_str().unwrap();
    let ask = |more: &[&str], input: &str| {
        let output = run(octo_sts(&[&["audit", file], more].concat()), input);
        (output.status.code().unwrap(), text(&output.stdout).lines().count(), text(&output.stdout))
    };
    assert_eq!(ask(&[], "").1, 3);
    assert_eq!(ask(&["--repository", "ACME/app", "--outcome", "granted"], "").1, 1);
    assert_eq!(ask(&["--since", "2026-01-02", "--until", "2026-01-03"], "").1, 1);
    let (code, count, told) = ask(&["--leaked"], "ghs_two\n");
    assert_eq!((code, count), (0, 1));
    assert!(told.starts_with("2026-01-02T00:00:00Z granted acme/lib/ci to repo:acme/ci of https://issuer.example"), "{told}");
    assert_eq!(ask(&["--leaked"], "ghs_three").0, 1);
    for (arguments, input) in [(&["--token-sha256", "zz"][..], ""), (&["--token-sha256", ""], ""), (&["--leaked"], "\n")] {
        assert_eq!(ask(arguments, input).0, 2, "Input: {arguments:?}: what is no hash and no token has not been looked for");
    }
    assert_eq!(ask(&["--token-sha256", &"A".repeat(64)], "").0, 1);
    assert_eq!(ask(&["--verify"], "").0, 0);
    assert_eq!(ask(&["--verify", "--head", &"0".repeat(64)], "").0, 1);

    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("acme/lib", "acme/lob")).unwrap();
    let (code, _, told) = ask(&["--verify"], "");
    assert!(code == 1 && told.starts_with("line 2 was changed after it was written\n"), "{told}");
    fs::write(&path, whole.lines().step_by(2).collect::<Vec<_>>().join("\n")).unwrap();
    assert!(ask(&["--verify"], "").2.starts_with("line 2 does not follow the line before it"));
    assert_eq!(run(octo_sts(&["audit", "/no/such/file"]), "").status.code(), Some(2));
}

#[test]
fn the_schema_is_printed() {
    let output = run(octo_sts(&["audit", "--schema"]), "");
    assert_eq!(text(&output.stdout), include_str!("../../../../schemas/audit-event.schema.json"));
}
