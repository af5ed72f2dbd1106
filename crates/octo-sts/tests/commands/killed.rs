//! A service that is killed under load, again and again. `AUDIT_KILLS=200` makes it as many times as one likes.

use std::{
    collections::HashSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use octo_sts_client::sha256_hex;
use octo_sts_sandbox::ActionsJob;

use super::whole::House;

/// Callers at a time.
const CALLERS: usize = 8;
const KILLS: u64 = 5;

/// The token of one exchange; `None` when the service was gone before it came.
fn exchange(address: &str, bearer: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let path = "/sts/exchange?scope=acme/app&identity=ci";
    write!(stream, "GET {path} HTTP/1.1\r\nhost: sts.test\r\nauthorization: Bearer {bearer}\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    _ = stream.read_to_string(&mut answer);
    Some(answer.split_once("\"token\":\"")?.1.split_once('"')?.0.to_owned())
}

/// Exchanges until the service is killed; returns what callers got. `wait` has somebody get a token before the time begins.
fn got_until_killed(house: &mut House, bearer: &str, wait: bool, after: Duration) -> Vec<String> {
    let (address, killed, first) = (house.address.clone(), AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let callers = (0..CALLERS).map(|_| {
            scope.spawn(|| {
                let mut got = Vec::new();
                while !killed.load(Ordering::Relaxed) {
                    got.extend(exchange(&address, bearer));
                    first.fetch_or(!got.is_empty(), Ordering::Relaxed);
                }
                got
            })
        });
        let callers: Vec<_> = callers.collect();
        let waiting = (0..60_000).take_while(|_| wait && !first.load(Ordering::Relaxed));
        waiting.for_each(|_| thread::sleep(Duration::from_millis(1)));
        thread::sleep(after);
        house.kill();
        killed.store(true, Ordering::Relaxed);
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

/// What the audit file says: the hashes of tokens, and for how many the service was killed while it asked for them.
struct Recorded {
    text: String,
}

impl Recorded {
    fn tokens(&self) -> HashSet<&str> {
        self.text.split("\"token_sha256\":\"").skip(1).filter_map(|rest| rest.get(..64)).filter(|hash| !hash.contains('"')).collect()
    }

    fn interrupted(&self, kind: &str) -> usize {
        let begins = format!("\"type\":\"{kind}\"");
        self.text.lines().filter(|line| line.contains(&begins) && line.contains("\"token_sha256\":\"\"")).count()
    }
}

/// T-130: whatever GitHub minted is on record, whenever the kill comes: with its hash where the service had the token, as a mint
/// that was under way where it had not.
#[tokio::test(flavor = "multi_thread")]
async fn what_github_minted_before_a_kill_is_on_record() {
    let kills = std::env::var("AUDIT_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut house = House::open().await;
    let issuer = house.sandbox.issuer("gha");
    let claims = issuer.actions_claims(&ActionsJob::new("acme/app").git_ref("refs/heads/main"), Some("sts.test"));
    let bearer = issuer.token(&claims);
    let mut got = Vec::new();
    for round in 0..kills {
        if round > 0 {
            house.start_again().await;
        }
        // Spread over the first exchanges, cold, and the warm ones after them, however slow the machine is.
        let (wait, after) = (round % 2 == 1, Duration::from_millis(5 + round * 7919 % 400));
        got.extend(got_until_killed(&mut house, &bearer, wait, after));
    }
    // The next process takes up what the last one left.
    house.start_again().await;
    house.kill();
    let recorded = Recorded { text: fs::read_to_string(house.audit_file()).unwrap() };
    let hashes = recorded.tokens();
    for token in &got {
        assert!(hashes.contains(sha256_hex(token).as_str()), "a caller has a token that is not on record");
    }
    let ledger = house.sandbox.github().ledger();
    let lost = ledger.iter().filter(|entry| !entry.revoked && !hashes.contains(sha256_hex(&entry.token).as_str()));
    // The service names the repository of a reader, and asks by id for a caller.
    let (for_readers, for_callers): (Vec<_>, Vec<_>) = lost.partition(|entry| entry.requested_repositories.is_some());
    let interrupted = (recorded.interrupted("dev.octo-sts.exchange"), recorded.interrupted("dev.octo-sts.reader"));
    println!(
        "{kills} kills, {} tokens minted, {} got; {} for callers and {} for the service were lost to a kill, {interrupted:?} mints under way are on record",
        ledger.len(),
        got.len(),
        for_callers.len(),
        for_readers.len(),
    );
    assert!(got.len() as u64 >= kills / 2, "{} tokens are too few to prove anything", got.len());
    assert!(for_callers.len() <= interrupted.0, "a token for a caller has no record");
    assert!(for_readers.len() <= interrupted.1, "a token of the service's has no record");
    // One mint for each caller and one for the reader, whether or not GitHub had got so far.
    assert!(interrupted.0 + interrupted.1 <= usize::try_from(kills).unwrap() * (CALLERS + 1), "{interrupted:?} after {kills} kills");
}
