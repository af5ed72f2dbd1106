//! Callers: some at a time, or at an even rate.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::world::Policy;

/// How long a caller waits: longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks one service.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
}

/// What answers there were.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// How often each status came; 0 stands for no answer.
    pub(crate) statuses: BTreeMap<u16, usize>,
    latencies: Vec<Duration>,
}

impl Client {
    pub(crate) fn new(port: u16) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        Ok(Self { http, origin: format!("http://127.0.0.1:{port}") })
    }

    /// One exchange: its status, or 0.
    pub(crate) async fn exchange(&self, token: &str, policy: &Policy) -> u16 {
        // Neither needs an escape: the slash may stand in a query.
        let (scope, identity) = policy;
        let asked = self.http.get(format!("{}/sts/exchange?scope={scope}&identity={identity}", self.origin)).bearer_auth(token).send().await;
        let Ok(answer) = asked else { return 0 };
        let status = answer.status().as_u16();
        answer.bytes().await.map_or(0, |_| status)
    }

    /// Whether the service says that it is alive.
    pub(crate) async fn is_alive(&self) -> bool {
        let asked = self.http.get(format!("{}/healthz", self.origin)).timeout(Duration::from_secs(1)).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    /// Each of these once, so many at a time.
    pub(crate) async fn each(&self, token: &str, policies: impl Iterator<Item = Policy> + Send + 'static, at_a_time: usize) -> Answers {
        let policies = Arc::new(Mutex::new(policies));
        let mut workers = JoinSet::new();
        for _ in 0..at_a_time {
            let (client, token, policies) = (self.clone(), token.to_owned(), Arc::clone(&policies));
            workers.spawn(async move {
                let mut answers = Answers::default();
                loop {
                    let next = policies.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(policy) = next else { return answers };
                    answers.take(&client, &token, &policy).await;
                }
            });
        }
        collected(workers).await
    }

    /// These in turn at an even rate, whether or not earlier ones are answered.
    pub(crate) async fn steadily(&self, token: &str, policies: impl Iterator<Item = Policy> + Send, per_second: u32, lasting: Duration) -> Answers {
        let mut asked = JoinSet::new();
        let mut tick = tokio::time::interval(Duration::from_secs(1) / per_second);
        let until = Instant::now() + lasting;
        for policy in policies {
            tick.tick().await;
            if Instant::now() >= until {
                break;
            }
            let (client, token) = (self.clone(), token.to_owned());
            asked.spawn(async move {
                let mut answers = Answers::default();
                answers.take(&client, &token, &policy).await;
                answers
            });
        }
        collected(asked).await
    }
}

impl Answers {
    async fn take(&mut self, client: &Client, token: &str, policy: &Policy) {
        let asked = Instant::now();
        let status = client.exchange(token, policy).await;
        self.latencies.push(asked.elapsed());
        *self.statuses.entry(status).or_default() += 1;
    }

    pub(crate) fn of(&self, status: u16) -> usize {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> usize {
        self.latencies.len()
    }

    /// The slowest answer.
    pub(crate) fn slowest(&self) -> Duration {
        self.latencies.iter().copied().max().unwrap_or_default()
    }

    /// The time that so many of a hundred answers took at the most.
    pub(crate) fn percentile(&mut self, of_hundred: usize) -> Duration {
        self.latencies.sort_unstable();
        self.latencies.get(self.latencies.len() * of_hundred / 100).copied().unwrap_or_default()
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }
}

async fn collected(mut workers: JoinSet<Answers>) -> Answers {
    let mut all = Answers::default();
    while let Some(answers) = workers.join_next().await {
        all.add(answers.unwrap_or_default());
    }
    all
}
