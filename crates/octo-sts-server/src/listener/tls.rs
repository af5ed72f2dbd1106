//! TLS, with a certificate that is taken up anew when its files change.

use std::{
    fmt, fs,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use crate::config::TlsFiles;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("`{path}` cannot be read ({cause}): write the path of a PEM file that this process may read")]
    Unreadable { path: String, cause: std::io::Error },
    #[error("`{path}` holds no certificate: write the path of the certificate chain, PEM, the service's own certificate first")]
    NoCertificate { path: String },
    #[error("`{path}` holds no private key: write the path of an unencrypted key, PEM")]
    NoKey { path: String },
    #[error("the key is not the certificate's, or of a kind that cannot be used ({0}): write the files of one pair")]
    Pair(rustls::Error),
}

/// Reads certificate and key, and checks that they belong together.
pub(crate) fn load(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let (certificates, key) = (read(&files.certificates)?, read(&files.key)?);
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificates).flatten().collect();
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: files.certificates.display().to_string() });
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| TlsError::NoKey { path: files.key.display().to_string() })?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Pair)
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|cause| TlsError::Unreadable { path: path.display().to_string(), cause })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The certificate in force.
pub(crate) struct Certificate {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificate {
    pub(crate) fn open(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(load(&files)?));
        Ok(Arc::new(Self { files, current }))
    }

    /// Reads the files again. What does not load changes nothing.
    pub(crate) fn reload(&self) {
        match load(&self.files) {
            Ok(key) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                info!(file = %self.files.certificates.display(), "TLS certificate read again");
            }
            Err(error) => warn!(error = %error, "the TLS certificate was not taken up; the earlier one stays in force"),
        }
    }

    /// Takes up the files whenever they change; never ends.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut changes = crate::lifecycle::watch::Changes::of(vec![self.files.certificates.clone(), self.files.key.clone()]);
        loop {
            tokio::time::sleep(LOOK).await;
            if changes.happened() {
                self.reload();
            }
        }
    }
}

/// What accepts TLS connections with this certificate: TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
pub(crate) fn acceptor(certificate: Arc<Certificate>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?.with_no_client_auth().with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
