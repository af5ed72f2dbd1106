//! A process that is killed at any moment has recorded whatever it answered.
#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

use std::{
    collections::HashSet,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use octo_sts_audit::{Audit, AuditSettings, Entry, ExchangeEvent, Fault, Outcome, verify_chain};
use octo_sts_types::SystemClock;

/// Names the file of the process that is going to be killed.
const FILE: &str = "CRASH_TEST_FILE";
const ROUNDS: usize = 20;

/// Not a test of its own: what the killed process does. It says each token only after its record returned.
#[test]
#[ignore = "runs as a child of the test below"]
fn record_until_killed() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let settings = AuditSettings { file: Some(file.into()), ..AuditSettings::default() };
        let (audit, _task) = Audit::start(settings, None, Arc::new(SystemClock)).unwrap();
        let callers = (0..8).map(|caller| {
            let audit = audit.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    let token_sha256 = format!("{}-{caller}-{n}", std::process::id());
                    audit.record(ExchangeEvent { token_sha256: token_sha256.clone(), outcome: Outcome::Granted, ..ExchangeEvent::default() }).await;
                    println!("answered {token_sha256}");
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
    });
}

/// Runs the process until it has answered some callers, kills it, and returns what it answered.
fn killed(file: &Path, after: usize) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "record_until_killed", "--ignored", "--nocapture", "--test-threads=1"]).env(FILE, file);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut answered: Vec<String> = lines.by_ref().filter_map(|line| line.strip_prefix("answered ").map(ToOwned::to_owned)).take(after).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let whole = |token: &String| token.split('-').count() == 3;
    answered.extend(lines.filter_map(|line| line.strip_prefix("answered ").map(ToOwned::to_owned)).filter(whole));
    // The pipe's last line may be cut, and then names another token.
    answered.pop();
    answered
}

/// T-130
#[test]
fn what_was_answered_before_a_kill_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let answered: Vec<String> = (0..ROUNDS).flat_map(|round| killed(&path, 1 + round * 37)).collect();
    assert!(answered.len() > ROUNDS * 100);
    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
    let report = verify_chain(text.lines());
    assert!(report.faults.iter().all(|found| found.fault == Fault::Foreign), "{:?}", report.faults);
    assert!(report.faults.len() <= ROUNDS);
    let entries = text.lines().filter_map(Entry::parse);
    let recorded: HashSet<String> = entries.filter_map(|entry| entry.text("token_sha256").map(ToOwned::to_owned)).collect();
    for token in answered {
        assert!(recorded.contains(&token), "{token} was answered and not recorded");
    }
}
