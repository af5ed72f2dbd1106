//! The endpoint: who may have a round, and what he hears.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that called it")]

use bytes::Bytes;
use http::Request;
use octo_sts_prober::Endpoint;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{World, client};

struct Served {
    address: String,
    task: JoinHandle<()>,
}

impl Served {
    async fn start(endpoint: Endpoint) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        Self { address, task: tokio::spawn(endpoint.serve(listener, std::future::pending())) }
    }

    async fn get(&self, world: &World, path: &str, authorizations: &[&str]) -> (u16, Value) {
        let mut request = Request::get(format!("{}{path}", self.address));
        for authorization in authorizations {
            request = request.header("authorization", *authorization);
        }
        let response = client(&world.sandbox).send(request.body(Bytes::new()).unwrap()).await.unwrap();
        (response.status.as_u16(), serde_json::from_slice(&response.body).unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_request_with_the_right_authorization_gets_a_round() {
    let world = World::new().await;
    let served = Served::start(Endpoint::new(world.prober(), &"Bearer sekret".into())).await;
    let (status, report) = served.get(&world, "/", &["Bearer sekret"]).await;
    assert_eq!((status, &report["ok"], report["probes"].as_array().map(Vec::len)), (200, &Value::Bool(true), Some(6)));
    let liar = Served::start(Endpoint::new(world.prober_with(&world.args("http://127.0.0.1:1")), &"Bearer sekret".into())).await;
    let (status, report) = liar.get(&world, "/", &["Bearer sekret"]).await;
    assert_eq!((status, &report["ok"], &report["probes"][0]["step"]), (500, &Value::Bool(false), &"exchange".into()));
}

/// T-059
#[tokio::test]
async fn nobody_else_costs_a_call() {
    let world = World::new().await;
    let served = Served::start(Endpoint::new(world.prober(), &"Bearer sekret".into())).await;
    world.sandbox.clear_calls();
    for odd in [&[][..], &[""], &["sekret"], &["Bearer sekre"], &["Bearer sekrets"], &["bearer sekret"], &["Bearer sekret", "Bearer sekret"]] {
        assert_eq!(served.get(&world, "/", odd).await.0, 401, "Authorization: {odd:?}");
    }
    assert_eq!(served.get(&world, "/debug", &["Bearer sekret"]).await.0, 404);
    assert_eq!(served.get(&world, "/healthz", &[]).await.0, 200);
    assert!(world.sandbox.calls().is_empty());
}

#[tokio::test]
async fn rounds_at_the_same_time_take_turns() {
    let world = World::new().await;
    let served = Served::start(Endpoint::new(world.prober(), &"k".into())).await;
    let (first, second) = tokio::join!(served.get(&world, "/", &["k"]), served.get(&world, "/", &["k"]));
    assert_eq!((first.0, second.0), (200, 200));
    assert!(world.leaves_no_token());
}

#[tokio::test]
async fn what_has_begun_is_finished_and_nothing_new_begins() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(Endpoint::new(world.prober(), &"k".into()).serve(listener, async { _ = stopped.await }));
    world.sandbox.clear_calls();
    let request = Request::get(&url).header("authorization", "k").body(Bytes::new()).unwrap();
    let http = client(&world.sandbox);
    let asking = tokio::spawn(async move { http.send(request).await });
    assert!(world.sandbox.eventually(std::time::Duration::from_secs(5), |sandbox| !sandbox.calls().is_empty()).await);
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap().status, 200);
    assert!(world.leaves_no_token());
}
