//! A service that lies: the real one, with somebody in front who now and then answers in its place.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that called it")]

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use octo_sts_http::Client;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{World, client};

/// An answer that is not the real service's.
#[derive(Clone, Debug)]
pub(crate) struct Lie {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// What the service gives where it must refuse.
pub(crate) fn refusal(status: u16, code: u32) -> Lie {
    Lie { status, body: format!(r#"{{"code":{code},"message":"because","details":[]}}"#) }
}

/// What is said to a bearer instead of the truth; nothing where it is told.
pub(crate) type Tongue = Arc<dyn Fn(&str) -> Option<Lie> + Send + Sync>;

/// Ends when it is dropped.
pub(crate) struct Liar {
    pub(crate) address: String,
    task: JoinHandle<()>,
}

impl Liar {
    /// Answers every exchange with the same lie.
    pub(crate) async fn always(world: &World, lie: Lie) -> Self {
        Self::start(world, Arc::new(move |_: &str| Some(lie.clone()))).await
    }

    /// Gives to everybody what the real service gives to this bearer for the prober's identity.
    pub(crate) async fn generous(world: &World, bearer: String) -> Self {
        let (http, truth) = (client(&world.sandbox), world.address());
        Self::serve(move |_| {
            let (http, truth, bearer) = (http.clone(), truth.clone(), bearer.clone());
            async move { forward(&http, &format!("{truth}/sts/exchange?scope=octo-sts/prober&identity=prober"), &format!("Bearer {bearer}")).await }
        })
        .await
    }

    /// Lies when `lie` gives something for the bearer, and tells the truth otherwise.
    pub(crate) async fn start(world: &World, lie: Tongue) -> Self {
        let (http, truth) = (client(&world.sandbox), world.address());
        Self::serve(move |request| {
            let (http, truth, lie) = (http.clone(), truth.clone(), Arc::clone(&lie));
            async move {
                let authorization = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
                match lie(authorization.trim_start_matches("Bearer ")) {
                    Some(lie) => Response::builder().status(lie.status).body(Full::from(lie.body)).unwrap(),
                    None => forward(&http, &format!("{truth}{}", request.uri()), &authorization).await,
                }
            }
        })
        .await
    }

    async fn serve<A>(answer: impl Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = answer.clone();
                let service = service_fn(move |request| {
                    let answer = answer(request);
                    async { Ok::<_, Infallible>(answer.await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, task }
    }
}

async fn forward(http: &Client, url: &str, authorization: &str) -> Response<Full<Bytes>> {
    let request = Request::get(url).header("authorization", authorization).body(Bytes::new()).unwrap();
    let response = http.send(request).await.unwrap();
    Response::builder().status(response.status).body(Full::new(response.body)).unwrap()
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}
