//! A key in a hardware security module, through its PKCS#11 library.
//!
//! The library is C code that may block: it is called on threads of its own, one call at a time, and a caller who waited too
//! long goes away without it. A session that broke is opened again by the next call.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use aws_lc_rs::{encoding::AsDer as _, signature::RsaPublicKeyComponents};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use tokio::sync::Mutex;

use crate::{
    InvalidKeyName, KeyProvider, OpenKeyError, ServiceError, Signer, Trouble,
    key_service::{KeyService, RemoteSigner},
    pkcs11_uri::{Pin, Pkcs11Uri},
};

const NO_TOKEN: &str = "check `token` and `serial` in the URI, and that the device is there (`pkcs11-tool --list-slots`)";
const NO_KEY: &str = "check `object` and `id` in the URI: there must be one RSA private key that may sign (`pkcs11-tool --list-objects --login`)";
const NO_PIN: &str = "check the PIN that `pin-source` names; it is not tried again, so that the token is not locked";
const UNUSABLE: &str = "the key must be an RSA key that may sign with CKM_SHA256_RSA_PKCS";
const BROKEN: &str = "check that the device is there, and the library's own configuration";

/// The key that a `pkcs11:` URI names, as a signer.
pub async fn open(uri: &str) -> Result<Arc<dyn Signer>, OpenKeyError> {
    let uri = Pkcs11Uri::parse(uri).ok_or(InvalidKeyName { provider: KeyProvider::Pkcs11 })?;
    let origin = uri.origin();
    Ok(RemoteSigner::open(ModuleKey { origin, device: Arc::new(Mutex::new(Device { uri, open: None, pin_refused: false })) }).await?)
}

#[derive(Debug)]
struct ModuleKey {
    origin: String,
    device: Arc<Mutex<Device>>,
}

#[derive(Debug)]
struct Device {
    uri: Pkcs11Uri,
    open: Option<OpenKey>,
    /// The token refused the PIN. A few more attempts would lock it.
    pin_refused: bool,
}

#[derive(Debug)]
struct OpenKey {
    session: Session,
    key: ObjectHandle,
}

impl ModuleKey {
    async fn call<T: Send + 'static>(&self, call: impl FnOnce(&OpenKey) -> Result<T, Error> + Send + 'static) -> Result<T, ServiceError> {
        let mut device = self.device.clone().lock_owned().await;
        let called = tokio::task::spawn_blocking(move || device.call(call)).await;
        called.unwrap_or_else(|panicked| Err(ServiceError::new(Trouble::Unexpected, BROKEN).because(panicked)))
    }
}

#[async_trait]
impl KeyService for ModuleKey {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let message = message.to_vec();
        self.call(move |open| open.session.sign(&Mechanism::Sha256RsaPkcs, open.key, &message)).await
    }

    async fn public_key(&self) -> Result<Vec<u8>, ServiceError> {
        let (n, e) = self.call(OpenKey::public_numbers).await?;
        let der = RsaPublicKeyComponents { n, e }.as_der().map_err(|_| ServiceError::new(Trouble::Unusable, UNUSABLE))?;
        Ok(der.as_ref().to_vec())
    }

    fn origin(&self) -> String {
        self.origin.clone()
    }
}

impl Device {
    fn call<T>(&mut self, call: impl FnOnce(&OpenKey) -> Result<T, Error>) -> Result<T, ServiceError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.connect()?,
        };
        let answer = call(&open).map_err(trouble);
        if answer.as_ref().is_err_and(ServiceError::may_pass) {
            return answer;
        }
        self.open = Some(open);
        answer
    }

    fn connect(&mut self) -> Result<OpenKey, ServiceError> {
        if self.pin_refused {
            return Err(ServiceError::new(Trouble::NoCredentials, NO_PIN));
        }
        let module = load(&self.uri.module)?;
        let session = module.open_ro_session(find_token(&module, &self.uri)?).map_err(trouble)?;
        if let Some(pin) = &self.uri.pin {
            let login = log_in(&session, pin);
            self.pin_refused = login.as_ref().is_err_and(|error| error.trouble == Trouble::NoCredentials);
            login?;
        }
        let key = find_key(&session, &self.uri)?;
        Ok(OpenKey { session, key })
    }
}

impl OpenKey {
    /// Modulus and public exponent, which a private RSA key has beside its secret parts.
    fn public_numbers(&self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let (mut n, mut e) = (Vec::new(), Vec::new());
        for attribute in self.session.get_attributes(self.key, &[AttributeType::Modulus, AttributeType::PublicExponent])? {
            match attribute {
                Attribute::Modulus(bytes) => n = bytes,
                Attribute::PublicExponent(bytes) => e = bytes,
                _ => {}
            }
        }
        Ok((n, e))
    }
}

/// Loads the library. A library is set up once in a process, whoever asked first.
fn load(path: &Path) -> Result<Pkcs11, ServiceError> {
    let module = Pkcs11::new(path).map_err(|error| ServiceError::new(Trouble::NotFound, "check `module-path` in the URI").because(error))?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
        Err(error) => Err(ServiceError::new(Trouble::Unavailable, BROKEN).because(error)),
    }
}

fn find_token(module: &Pkcs11, uri: &Pkcs11Uri) -> Result<Slot, ServiceError> {
    let mut found = Vec::new();
    for slot in module.get_slots_with_initialized_token().map_err(trouble)? {
        let token = module.get_token_info(slot).map_err(trouble)?;
        let is = |wanted: &Option<String>, there: &str| wanted.as_ref().is_none_or(|wanted| wanted == there.trim_end());
        if is(&uri.token, token.label()) && is(&uri.serial, token.serial_number()) {
            found.push(slot);
        }
    }
    match found[..] {
        [slot] => Ok(slot),
        _ => Err(ServiceError::new(Trouble::NotFound, NO_TOKEN).saying(&format!("{} tokens fit", found.len()))),
    }
}

fn log_in(session: &Session, pin: &Pin) -> Result<(), ServiceError> {
    let pin = match pin {
        Pin::Value(pin) => pin.clone(),
        Pin::File(path) => {
            let text = std::fs::read_to_string(path).map(zeroize::Zeroizing::new);
            let text =
                text.map_err(|error| ServiceError::new(Trouble::Unavailable, "the file that `pin-source` names cannot be read").because(error))?;
            AuthPin::from(text.trim_end_matches(['\r', '\n']))
        }
    };
    match session.login(UserType::User, Some(&pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(error) => Err(trouble(error)),
    }
}

fn find_key(session: &Session, uri: &Pkcs11Uri) -> Result<ObjectHandle, ServiceError> {
    let mut wanted = vec![Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(KeyType::RSA), Attribute::Sign(true)];
    wanted.extend(uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
    wanted.extend(uri.id.clone().map(Attribute::Id));
    let found = session.find_objects(&wanted).map_err(trouble)?;
    match found[..] {
        [key] => Ok(key),
        _ => Err(ServiceError::new(Trouble::NotFound, NO_KEY).saying(&format!("{} keys fit", found.len()))),
    }
}

fn trouble(error: Error) -> ServiceError {
    let Error::Pkcs11(code, _) = &error else { return ServiceError::new(Trouble::Unexpected, BROKEN).because(error) };
    let (trouble, check) = match code {
        RvError::PinIncorrect
        | RvError::PinLocked
        | RvError::PinInvalid
        | RvError::PinLenRange
        | RvError::PinExpired
        | RvError::UserPinNotInitialized => (Trouble::NoCredentials, NO_PIN),
        RvError::KeyFunctionNotPermitted | RvError::KeyTypeInconsistent | RvError::KeySizeRange | RvError::MechanismInvalid => {
            (Trouble::Unusable, UNUSABLE)
        }
        RvError::SessionCount => (Trouble::Throttled, "the token has no session left: close those of others"),
        _ => (Trouble::Unavailable, BROKEN),
    };
    ServiceError::new(trouble, check).because(error)
}
