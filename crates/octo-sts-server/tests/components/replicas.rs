//! What must hold of two replicas that share a store, whichever it is.

use std::{collections::HashSet, sync::Arc, time::Duration};

use http::Method;
use octo_sts_sandbox::Fault;
use octo_sts_types::AppId;
use tokio::task::JoinSet;

use crate::{
    caller::{exchange, until},
    house::{House, borrowed},
    service::Service,
};

/// Counts the exchanges that did without the store of routes.
pub(crate) const FALLBACKS: &str = "octo_sts_sticky_fallbacks_total";

/// The two, ready.
pub(crate) async fn two(house: &House, variables: &[(&'static str, String)]) -> [Service; 2] {
    let variables = borrowed(variables);
    let (one, two) = tokio::join!(Service::start(house, &variables), Service::start(house, &variables));
    [one, two]
}

/// The Apps that a service gives to so many subjects, whose names begin with `kind`. Who was served without the store, which has
/// half a second, asks again: a busy machine keeps it waiting.
async fn given(house: &House, service: &Service, kind: &str, subjects: usize) -> Vec<AppId> {
    let mut apps = Vec::with_capacity(subjects);
    for at in 0..subjects {
        let mut app = None;
        until("the store takes part", async || {
            let before = service.metric(FALLBACKS).await;
            let answer = exchange(service.port(), "checks", &house.token(&format!("{kind}{at}"))).await;
            app = Some(house.app_of(&answer.token()));
            service.metric(FALLBACKS).await <= before
        })
        .await;
        apps.extend(app);
    }
    apps
}

/// The same (scope, identity, subject) has the same App at both, also where the store alone can know it.
pub(crate) async fn agree_on_apps(house: &House, [one, two]: &[Service; 2], subjects: usize) {
    let (at_one, at_two) = tokio::join!(given(house, one, "at-once-", subjects), given(house, two, "at-once-", subjects));
    assert_eq!(at_one, at_two);
    assert_eq!(at_one.iter().collect::<HashSet<_>>().len(), house.apps.len(), "{at_one:?}");
    // The first App is limited at GitHub for as long as one replica gives out routes. The other one has no trouble with it.
    let (limited, path) = (house.apps[0].id(), format!("/{}/access_tokens", house.installations[0]));
    house.sandbox.github().fault(Fault::on(Method::POST, path).secondary_limit(403, Some(Duration::from_mins(1))));
    let at_one = given(house, one, "limited-", subjects).await;
    assert!(!at_one.contains(&limited), "{at_one:?}");
    house.sandbox.clear_faults();
    assert_eq!(given(house, two, "limited-", subjects).await, at_one);
}

/// Each token is exchanged once, whoever of the two is asked first, and no token of GitHub's is left over. A store that is kept
/// waiting by a busy machine refuses some, which then count for nobody: `patient` is whether that may be.
pub(crate) async fn race_for_tokens(house: &Arc<House>, services: &[Service; 2], tokens: usize, patient: bool) {
    const AT_A_TIME: usize = 10;
    let ports = [services[0].port(), services[1].port()];
    let (mut winners, mut unknown, before) = (vec![0; tokens], HashSet::new(), callers_tokens(house));
    for batch in 0..tokens / AT_A_TIME {
        let mut races = JoinSet::new();
        for race in batch * AT_A_TIME..(batch + 1) * AT_A_TIME {
            let token = house.token(&format!("race-{race}"));
            for port in ports {
                let token = token.clone();
                races.spawn(async move { (race, exchange(port, "checks", &token).await) });
            }
        }
        for (race, answer) in races.join_all().await {
            match answer.status {
                200 => winners[race] += 1,
                503 if patient => _ = unknown.insert(race),
                _ => assert_eq!(answer.refusal(), (401, "TOKEN_USED_BEFORE".into()), "{}", answer.body),
            }
        }
    }
    assert!(winners.iter().all(|winners| *winners < 2), "{winners:?}");
    assert!(winners.iter().enumerate().all(|(race, winners)| *winners == 1 || unknown.contains(&race)), "{winners:?}");
    assert!(unknown.len() < tokens / 2, "the store took no part in {} of {tokens} races", unknown.len());
    assert_eq!(callers_tokens(house) - before, winners.iter().sum::<usize>());
}

/// The living tokens that callers have; readers' tokens write no checks.
pub(crate) fn callers_tokens(house: &House) -> usize {
    house.sandbox.github().live_tokens().iter().filter(|entry| entry.permissions.contains_key("checks")).count()
}
