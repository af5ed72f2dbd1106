//! `SecurityTokenService` itself.

use std::sync::Arc;

use octo_sts_exchange::Transport;
use prost_types::Timestamp;
use secrecy::ExposeSecret as _;
use tonic::{Code, Request, Response, Status};

use super::{Parcel, status as as_status};
use crate::{
    exchange::Issued,
    pb::{ExchangeRefreshTokenRequest, ExchangeRequest, RawToken, TokenPair, security_token_service_server::SecurityTokenService},
    rest,
    service::{Caller, Shared},
    status::{self, Answer},
};

/// The service. What it needs travels with each request, because one set of routes serves every connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grpc;

#[tonic::async_trait]
impl SecurityTokenService for Grpc {
    async fn exchange(&self, request: Request<ExchangeRequest>) -> Result<Response<RawToken>, Status> {
        let (metadata, mut extensions, message) = request.into_parts();
        let (Some(shared), Some(caller)) = (extensions.remove::<Arc<Shared>>(), extensions.remove::<Caller>()) else {
            return Err(Status::internal("internal error"));
        };
        if shared.is_draining() {
            let refusal = Answer { retry_after: Some(1), ..Answer::plain(Code::Unavailable, "the service is shutting down: try again") };
            return Err(as_status(&refusal, &shared.domain));
        }
        let _counted = shared.exchanges.begin();
        let headers = metadata.into_headers();
        let id = caller.request_id.clone();
        #[expect(deprecated, reason = "clients that know only `scope` are served")]
        let request = octo_sts_exchange::Request {
            authorization: rest::authorization(&headers),
            scope: message.scope,
            scopes: message.scopes,
            identity: message.identity,
            user_agent: rest::user_agent(&headers),
            request_id: caller.request_id,
            peer: Some(caller.peer),
            transport: Transport::Grpc,
        };
        match shared.exchange.exchange(request).await {
            Ok(issued) => Ok(reply(issued)),
            Err(refusal) => Err(as_status(&status::answer(&refusal, &id), &shared.domain)),
        }
    }

    async fn exchange_refresh_token(&self, _: Request<ExchangeRefreshTokenRequest>) -> Result<Response<TokenPair>, Status> {
        Err(Status::unimplemented("octo-sts does not support refresh tokens"))
    }
}

fn reply(issued: Issued) -> Response<RawToken> {
    let expiry = Timestamp { seconds: issued.expires_at.as_second(), nanos: issued.expires_at.subsec_nanosecond() };
    let mut response = Response::new(RawToken { token: issued.token.expose_secret().to_owned(), refresh_token: String::new(), expiry: Some(expiry) });
    response.extensions_mut().insert(Parcel::new(issued.receipt));
    response
}
