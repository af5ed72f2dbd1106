//! The certificate authorities that outbound connections trust.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem, pem::PemObject},
    version::{TLS12, TLS13},
};

use crate::client::Protocol;

/// Trusted certificate authorities; cheap to clone.
#[derive(Clone)]
pub struct Roots(Arc<RootCertStore>);

/// Why there are no certificate authorities to trust.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// A file or folder with certificates cannot be read.
    #[error("the certificate authorities cannot be read")]
    Unreadable(#[source] rustls_native_certs::Error),
    /// The text is not PEM.
    #[error("the certificate authorities are not PEM")]
    NotPem(#[source] pem::Error),
    /// The text is PEM, and what it holds is not a certificate that can be trusted.
    #[error("a certificate authority is not usable")]
    NotACertificate(#[source] rustls::Error),
    /// There is not one certificate.
    #[error("there are no certificate authorities (`SSL_CERT_FILE` and `SSL_CERT_DIR` name them where the system has none)")]
    None,
}

impl Roots {
    /// The system's authorities, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. A certificate that does not parse
    /// is passed over with a warning.
    pub fn load() -> Result<Self, RootsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        let (added, odd) = store.add_parsable_certificates(found.certs);
        if odd > 0 {
            tracing::warn!(odd, "some certificate authorities do not parse and are passed over");
        }
        if added > 0 {
            found.errors.iter().for_each(|error| tracing::warn!(%error, "some certificate authorities cannot be read"));
            return Ok(Self(Arc::new(store)));
        }
        Err(found.errors.into_iter().next().map_or(RootsError::None, RootsError::Unreadable))
    }

    /// The certificates of a PEM text, and no others.
    pub fn from_pem(text: &str) -> Result<Self, RootsError> {
        Self(Arc::new(RootCertStore::empty())).and_pem(text)
    }

    /// These authorities and the certificates of a PEM text.
    pub fn and_pem(mut self, text: &str) -> Result<Self, RootsError> {
        let store = Arc::make_mut(&mut self.0);
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            store.add(certificate.map_err(RootsError::NotPem)?).map_err(RootsError::NotACertificate)?;
        }
        if store.len() == before { Err(RootsError::None) } else { Ok(self) }
    }

    /// TLS 1.2 and 1.3 on aws-lc, with no client certificate.
    pub(crate) fn tls(&self, protocol: Protocol) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_root_certificates(self.0.clone())
            .with_no_client_auth();
        config.alpn_protocols = match protocol {
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        Ok(config)
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roots({} certificates)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        assert!(matches!(Roots::from_pem(""), Err(RootsError::None)));
        assert!(matches!(Roots::from_pem("not pem"), Err(RootsError::None)));
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(Roots::from_pem(cut), Err(RootsError::NotPem(_))));
        let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(Roots::from_pem(hollow), Err(RootsError::NotACertificate(_))));
    }

    #[test]
    fn authorities_are_added_to_those_there_are() {
        let authority = || rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
        let roots = Roots::from_pem(&authority()).unwrap().and_pem(&authority()).unwrap();
        assert_eq!(format!("{roots:?}"), "Roots(2 certificates)");
    }
}
