//! The identity this process runs as in Azure.
//!
//! A client secret when `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` are set; workload identity (AKS) when
//! `AZURE_FEDERATED_TOKEN_FILE` is; otherwise the managed identity, the user-assigned one of `AZURE_CLIENT_ID` if that is set.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    Error, Result as AzureResult,
    credentials::{Secret, TokenCredential},
    error::ErrorKind,
    http::{
        AsyncRawResponse, Body, ClientOptions, HttpClient, Request, StatusCode, Transport,
        headers::{HeaderName, HeaderValue, Headers},
    },
};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use octo_sts_http::{Client, HttpError};
use secrecy::SecretString;

use crate::{Outside, ServiceError, TokenSource, Trouble};

const CHECK: &str = "give the workload a managed or workload identity, or set `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`";

/// A credential of Azure, for one kind of resource.
#[derive(Debug)]
pub struct AzureCredentials {
    credential: Arc<dyn TokenCredential>,
    scope: String,
}

impl AzureCredentials {
    /// Reads the variables; nothing is called yet. `resource` is what the token is for, as `https://vault.azure.net`.
    pub fn find(outside: &Outside, resource: &str) -> Result<Self, ServiceError> {
        let credential = credential(outside).map_err(|error| ServiceError::new(Trouble::NoCredentials, CHECK).because(error))?;
        Ok(Self { credential, scope: format!("{resource}/.default") })
    }
}

fn credential(outside: &Outside) -> AzureResult<Arc<dyn TokenCredential>> {
    let client_options = ClientOptions { transport: Some(Transport::new(Arc::new(Carrier(outside.http().clone())))), ..ClientOptions::default() };
    let variable = |name| outside.variable(name);
    let (tenant, client_id) = (variable("AZURE_TENANT_ID"), variable("AZURE_CLIENT_ID"));
    if let (Some(tenant), Some(id), Some(secret)) = (&tenant, &client_id, variable("AZURE_CLIENT_SECRET")) {
        let options = ClientSecretCredentialOptions { client_options };
        return Ok(ClientSecretCredential::new(tenant, id.clone(), Secret::new(secret), Some(options))?);
    }
    if let Some(file) = variable("AZURE_FEDERATED_TOKEN_FILE") {
        let credential_options = ClientAssertionCredentialOptions { client_options };
        let options = WorkloadIdentityCredentialOptions { credential_options, client_id, tenant_id: tenant, token_file_path: Some(file.into()) };
        return Ok(WorkloadIdentityCredential::new(Some(options))?);
    }
    let options = ManagedIdentityCredentialOptions { user_assigned_id: client_id.map(UserAssignedId::ClientId), client_options };
    Ok(ManagedIdentityCredential::new(Some(options))?)
}

#[async_trait]
impl TokenSource for AzureCredentials {
    async fn token(&self) -> Result<SecretString, ServiceError> {
        match self.credential.get_token(&[&self.scope], None).await {
            Ok(token) => Ok(token.token.secret().to_owned().into()),
            Err(error) => Err(ServiceError::new(Trouble::NoCredentials, CHECK).because(error)),
        }
    }
}

/// Carries the calls of Azure's credentials over this crate's client.
#[derive(Debug)]
struct Carrier(Client);

#[async_trait]
impl HttpClient for Carrier {
    async fn execute_request(&self, request: &Request) -> AzureResult<AsyncRawResponse> {
        let Body::Bytes(body) = request.body().clone() else { return Err(Error::with_message(ErrorKind::Other, "the body is a stream")) };
        let mut outgoing = http::Request::builder().method(request.method().as_ref()).uri(request.url().as_str());
        for (name, value) in request.headers().iter() {
            outgoing = outgoing.header(name.as_str(), value.as_str());
        }
        let outgoing = outgoing.body(body).map_err(|error| Error::new(ErrorKind::DataConversion, error))?;
        let response = self.0.send(outgoing).await.map_err(|error| Error::new(kind(&error), error))?;
        let headers: HashMap<_, _> =
            response.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).map(owned).collect();
        Ok(AsyncRawResponse::from_bytes(StatusCode::from(response.status.as_u16()), Headers::from(headers), response.body))
    }
}

fn owned((name, value): (&str, &str)) -> (HeaderName, HeaderValue) {
    (HeaderName::from(name.to_owned()), HeaderValue::from(value.to_owned()))
}

fn kind(error: &HttpError) -> ErrorKind {
    if error.never_sent() { ErrorKind::Connection } else { ErrorKind::Io }
}
