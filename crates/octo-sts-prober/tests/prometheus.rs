//! A real Prometheus scrapes a service that is probed; every query of the dashboard and every rule runs there.
//!
//! Needs `prometheus` in the path.

#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

#[path = "prober/support.rs"]
mod support;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use octo_sts_http::Client;
use octo_sts_prober::{Probe, metrics};
use octo_sts_sandbox::SandboxSettings;
use octo_sts_types::SystemClock;
use serde_json::Value;
use support::{World, client};

/// Panels whose events do not come about here.
const QUIET: [&str; 3] = ["octo_sts_webhook_", "octo_sts_audit_dropped_total", "octo_sts_probe_failures_total"];
/// How many rounds of probes load the service.
const ROUNDS: usize = 25;

struct Prometheus {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
    http: Client,
}

impl Prometheus {
    fn start(http: Client, metrics: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["recording.yaml", "alerts.yaml"] {
            let rules = fs::read_to_string(deploy().join("prometheus").join(name)).unwrap();
            fs::write(folder.path().join(name), rules.replace("interval: 30s", "interval: 1s")).unwrap();
        }
        let jobs = ["octo-sts", "octo-sts-prober"].map(|job| format!("  - job_name: {job}\n    static_configs:\n      - targets: ['{metrics}']\n"));
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [recording.yaml, alerts.yaml]\nscrape_configs:\n{}",
            jobs.concat()
        );
        fs::write(folder.path().join("prometheus.yaml"), config).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.path().join("prometheus.yaml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stderr(Stdio::from(fs::File::create(folder.path().join("log")).unwrap()))
            .spawn()
            .unwrap();
        Self { child, url: format!("http://{address}/api/v1"), folder, http }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let request = Request::get(format!("{}/{path}", self.url)).body(Bytes::new()).unwrap();
        serde_json::from_slice(&self.http.send(request).await.ok()?.body).ok()
    }

    /// The samples that a query gives.
    async fn query(&self, query: &str) -> Vec<Value> {
        let encoded = query.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02x}"));
        let answer = self.get(&format!("query?query={encoded}")).await.unwrap();
        assert_eq!(answer["status"], "success", "Query: {query}, answer: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    async fn wait_for(&self, query: &str) {
        for _ in 0..600 {
            if self.get("status/runtimeinfo").await.is_some() && !self.query(query).await.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no sample of {query}: {}", fs::read_to_string(self.folder.path().join("log")).unwrap());
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// The queries of all panels.
fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(deploy().join("grafana/octo-sts.json")).unwrap()).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().replace("$__rate_interval", "1m")).collect()
}

/// T-106
#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboard_finds_what_the_service_tells() {
    let world = World::built(SandboxSettings { tls: true, ..SandboxSettings::default() }, true).await;
    let prometheus = Prometheus::start(client(&world.sandbox), &world.service.metrics_address().unwrap().to_string());
    let prober = world.prober();
    prometheus.wait_for("up == 1").await;
    for _ in 0..ROUNDS {
        let report = prober.round().await;
        assert!(report.is_good(), "{}", report.to_json());
        metrics::note(&report, &SystemClock);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The slowest to appear: a rate needs two scrapes, and a rule on it an evaluation after them.
    prometheus.wait_for("octo_sts:exchange_errors:ratio_rate3d >= 0 and octo_sts:exchange_seconds:p99_5m > 0").await;
    prometheus.wait_for("octo_sts:github_call_seconds:p99_5m > 0").await;
    let queries = panels();
    assert!(queries.len() > 30);
    let mut odd = Vec::new();
    for query in &queries {
        let is_quiet = QUIET.iter().any(|name| query.contains(name));
        if prometheus.query(query).await.is_empty() != is_quiet {
            odd.push(query);
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
    let rules = prometheus.get("rules").await.unwrap();
    let rules: Vec<_> = rules["data"]["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 35 && rules.iter().all(|rule| rule["health"] == "ok"), "{rules:?}");
    let firing: Vec<_> = rules.iter().filter(|rule| rule["state"] == "firing").map(|rule| &rule["name"]).collect();
    assert!(firing.is_empty(), "{firing:?}");
    assert_eq!(prometheus.query("octo_sts_probe_success == 1").await.len(), 2 * Probe::ALL.len());
    series_are_few(&prometheus).await;
}

async fn series_are_few(prometheus: &Prometheus) {
    let counted = prometheus.query(r#"count({__name__=~"octo_sts_.*",job="octo-sts"})"#).await;
    let series: u32 = counted[0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!((50..600).contains(&series), "{series} series");
}
