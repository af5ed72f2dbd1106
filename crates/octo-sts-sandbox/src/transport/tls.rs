//! A certificate authority of the sandbox's own, made anew for each sandbox.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::StartError;

/// The authority, and the one certificate it has signed.
pub(crate) struct Authority {
    pem: String,
    acceptor: TlsAcceptor,
}

impl Authority {
    /// Makes an authority whose certificate is good for the loopback addresses and `host_names`.
    pub(crate) fn new(host_names: &[String]) -> Result<Self, StartError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "octo-sts sandbox");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        let acceptor = Self::acceptor(&Issuer::new(params, key), host_names)?;
        Ok(Self { pem, acceptor })
    }

    fn acceptor(authority: &Issuer<'_, KeyPair>, host_names: &[String]) -> Result<TlsAcceptor, StartError> {
        let key = KeyPair::generate()?;
        let names = ["localhost", "127.0.0.1", "::1"].into_iter().map(str::to_owned).chain(host_names.iter().cloned());
        let mut params = CertificateParams::new(names.collect::<Vec<_>>())?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, authority)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// The authority's certificate, for those who shall trust it.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn tls(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}
