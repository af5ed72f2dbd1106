//! The HTTP client of the exporters: the service's own, so that there is one TLS stack and one set of authorities.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use opentelemetry_http::{HttpClient, HttpError};

use super::ExportError;
use crate::config::Collector;

/// Longest answer of a collector, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Http(Client);

impl Http {
    pub(super) fn new(collector: &Collector) -> Result<Self, ExportError> {
        let failed = |error: &dyn std::error::Error| ExportError::Client(error.to_string());
        let roots = match &collector.authority {
            Some(pem) => Roots::from_pem(pem),
            None => Roots::load(),
        };
        let client = Client::new(ClientSettings {
            user_agent: concat!("octo-sts/", env!("CARGO_PKG_VERSION")).into(),
            roots: roots.map_err(|error| failed(&error))?,
            protocol: Protocol::Http1,
            guard: None,
            connect_timeout: collector.timeout,
            deadline: collector.timeout,
            max_body: LONGEST_ANSWER,
        });
        Ok(Self(client.map_err(|error| failed(&error))?))
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.0.send(request).await?;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}
