//! From a URL to a connection: lookup under the guard's eyes, socket, TLS.

use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::{
    net::TcpStream,
    time::{error::Elapsed, timeout},
};
use tower::Service;

use crate::{
    client::ClientSettings,
    error::{Cause, ClientError, causes},
    guard::Rule,
    proxy::Proxy,
    resolve::Resolver,
};

/// How long a silent peer is believed to be there, before and between probes.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long sent data may stay unacknowledged before the connection is given up.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects within a time that holds for lookup, socket and TLS handshake together.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<Dial>,
    within: Duration,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Cause>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = timeout(self.within, self.https.call(to));
        Box::pin(async move { connecting.await? })
    }
}

/// A socket to where a request goes, or a tunnel to it.
#[derive(Clone)]
struct Dial {
    http: HttpConnector<Resolver>,
    proxy: Option<Proxy>,
}

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Cause>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Some(mut tunnel) = self.proxy.as_ref().and_then(|proxy| proxy.tunnel(&to, &self.http)) else {
            let dialling = self.http.call(to);
            return Box::pin(async move { dialling.await.map_err(Into::into) });
        };
        Box::pin(async move { tunnel.call(to).await.map_err(Into::into) })
    }
}

/// A connector under one rule of the guard, if there is a guard.
pub(crate) fn connector(settings: &ClientSettings, rule: Rule, proxy: Option<Proxy>) -> Result<Connector, ClientError> {
    let tls = settings.roots.tls(settings.protocol).map_err(ClientError::Tls)?;
    let mut http = HttpConnector::new_with_resolver(Resolver::new(settings.guard.clone(), rule));
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(KEEP_ALIVE));
    http.set_keepalive_interval(Some(KEEP_ALIVE));
    // Shared out among the addresses of a name, so that a dead one leaves time for the next.
    http.set_connect_timeout(Some(settings.connect_timeout));
    #[cfg(target_os = "linux")]
    http.set_tcp_user_timeout(Some(USER_TIMEOUT));
    Ok(Connector { https: HttpsConnector::from((Dial { http, proxy }, tls)), within: settings.connect_timeout })
}

/// Whether a connection was not made for lack of time.
pub(crate) fn ran_out_of_time(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        cause.is::<Elapsed>() || io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
    })
}
