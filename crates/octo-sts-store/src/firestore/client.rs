//! Two calls to Firestore: read a document, and write or delete one under a condition.

use std::{fmt, sync::Arc, time::Duration};

use google_cloud_auth::credentials::{AccessTokenCredentials, Builder};
use http::uri::PathAndQuery;
use prost::Message;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, ClientTlsConfig, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{
    STORE,
    wire::{BatchGetDocumentsRequest, BatchGetDocumentsResponse, CommitRequest, CommitResponse, Condition, Document, Operation, Precondition, Write},
};
use crate::StoreError;

const SERVICE: &str = "https://firestore.googleapis.com";
const SCOPE: &str = "https://www.googleapis.com/auth/datastore";
const CONNECT_TIMEOUT: Duration = Duration::from_millis(450);
/// How long a silent connection is believed in.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Longest answer, in bytes: a document here has two small fields.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Why Firestore cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum FirestoreSetupError {
    /// No credentials.
    #[error(
        "there are no credentials for Firestore: attach a service account to the workload, or let `GOOGLE_APPLICATION_CREDENTIALS` name a credentials file"
    )]
    Credentials(#[source] google_cloud_auth::build_errors::Error),
    /// No such address, or no TLS.
    #[error("the address of Firestore cannot be used: check `FIRESTORE_EMULATOR_HOST`, which is `HOST:PORT`")]
    Address(#[source] tonic::transport::Error),
}

pub(super) struct FirestoreClient {
    channel: Channel,
    credentials: Option<AccessTokenCredentials>,
    /// `projects/P/databases/(default)`.
    database: String,
}

impl FirestoreClient {
    /// Dials nothing yet.
    pub(super) fn new(project: &str, emulator: Option<&str>) -> Result<Self, FirestoreSetupError> {
        let endpoint = match emulator {
            Some(host) => Endpoint::from_shared(format!("http://{host}")).map_err(FirestoreSetupError::Address)?,
            None => Endpoint::from_static(SERVICE).tls_config(ClientTlsConfig::new().with_native_roots()).map_err(FirestoreSetupError::Address)?,
        };
        let channel = endpoint.connect_timeout(CONNECT_TIMEOUT).http2_keep_alive_interval(KEEP_ALIVE).keep_alive_timeout(KEEP_ALIVE).connect_lazy();
        let credentials = match emulator {
            Some(_) => None,
            None => Some(Builder::default().with_scopes([SCOPE]).build_access_token_credentials().map_err(FirestoreSetupError::Credentials)?),
        };
        Ok(Self { channel, credentials, database: format!("projects/{project}/databases/(default)") })
    }

    /// The full name of a document.
    pub(super) fn name(&self, collection: &str, id: &str) -> String {
        format!("{}/documents/{collection}/{id}", self.database)
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<Document>, StoreError> {
        let message = BatchGetDocumentsRequest { database: self.database.clone(), documents: vec![name.to_owned()] };
        let request = self.request(message).await?;
        let codec: ProstCodec<BatchGetDocumentsRequest, BatchGetDocumentsResponse> = ProstCodec::default();
        let mut grpc = self.grpc().await?;
        let path = PathAndQuery::from_static("/google.firestore.v1.Firestore/BatchGetDocuments");
        let mut answers = grpc.server_streaming(request, path, codec).await.map_err(failure)?.into_inner();
        let mut document = None;
        while let Some(answer) = answers.message().await.map_err(failure)? {
            document = document.or(answer.found);
        }
        Ok(document)
    }

    /// Whether the condition held, and the operation was done.
    pub(super) async fn write(&self, operation: Operation, condition: Condition) -> Result<bool, StoreError> {
        let write = Write { operation: Some(operation), current_document: Some(Precondition { condition: Some(condition) }) };
        let request = self.request(CommitRequest { database: self.database.clone(), writes: vec![write] }).await?;
        let codec: ProstCodec<CommitRequest, CommitResponse> = ProstCodec::default();
        let mut grpc = self.grpc().await?;
        let path = PathAndQuery::from_static("/google.firestore.v1.Firestore/Commit");
        match grpc.unary(request, path, codec).await {
            Ok(_) => Ok(true),
            Err(status) if matches!(status.code(), Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted | Code::NotFound) => Ok(false),
            Err(status) => Err(failure(status)),
        }
    }

    async fn grpc(&self) -> Result<Grpc<Channel>, StoreError> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER);
        grpc.ready().await.map_err(|error| StoreError::unavailable(STORE, error))?;
        Ok(grpc)
    }

    async fn request<T: Message>(&self, message: T) -> Result<Request<T>, StoreError> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization().await?);
        if let Ok(database) = self.database.parse() {
            request.metadata_mut().insert("google-cloud-resource-prefix", database);
        }
        Ok(request)
    }

    async fn authorization(&self) -> Result<MetadataValue<Ascii>, StoreError> {
        let token = match &self.credentials {
            None => "owner".to_owned(),
            Some(credentials) => credentials.access_token().await.map_err(|error| StoreError::unavailable(STORE, error))?.token,
        };
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse().map_err(|error| StoreError::refused(STORE, error))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn failure(status: Status) -> StoreError {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown | Code::Internal | Code::ResourceExhausted => {
            StoreError::Unavailable { store: STORE, source: Arc::new(status) }
        }
        _ => StoreError::refused(STORE, status),
    }
}

impl fmt::Debug for FirestoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirestoreClient").field("database", &self.database).finish_non_exhaustive()
    }
}
