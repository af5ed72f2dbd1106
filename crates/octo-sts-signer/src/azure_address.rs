//! The address of a key or a secret in an Azure Key Vault.

#[cfg(any(test, feature = "azure"))]
use url::Host;
use url::Url;

/// The hosts of vaults in Azure's clouds, each with the resource that tokens for them are made for.
const CLOUDS: [(&str, &str); 6] = [
    (".vault.azure.net", "https://vault.azure.net"),
    (".vault.azure.cn", "https://vault.azure.cn"),
    (".vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net"),
    (".managedhsm.azure.net", "https://managedhsm.azure.net"),
    (".managedhsm.azure.cn", "https://managedhsm.azure.cn"),
    (".managedhsm.usgovcloudapi.net", "https://managedhsm.usgovcloudapi.net"),
];

/// What the address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Secret,
}

/// `https://VAULT.vault.azure.net/keys/NAME` or `…/secrets/NAME`, either with a version behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultAddress {
    /// The vault, without a slash at the end.
    pub(crate) vault: String,
    /// `keys/NAME` or `secrets/NAME`.
    pub(crate) path: String,
    pub(crate) version: Option<String>,
}

impl VaultAddress {
    /// Reads an address at any host.
    pub(crate) fn parse(text: &str, kind: Kind) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let plain =
            url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        let segments: Vec<&str> = url.path_segments()?.collect();
        let (collection, names) = segments.split_first()?;
        let expected = if kind == Kind::Key { "keys" } else { "secrets" };
        let good = plain && *collection == expected && matches!(names.len(), 1 | 2) && names.iter().all(|name| is_name(name));
        let version = names.get(1).map(|version| (*version).to_owned());
        good.then(|| Self { vault: url.origin().ascii_serialization(), path: format!("{expected}/{}", names[0]), version })
    }

    /// What a token for this vault is made for; nothing for a host outside Azure's clouds, which gets no token.
    #[cfg(any(test, feature = "azure"))]
    pub(crate) fn resource(&self) -> Option<&'static str> {
        let url = Url::parse(&self.vault).ok()?;
        let Some(Host::Domain(host)) = url.host() else { return None };
        if url.port().is_some() { None } else { CLOUDS.iter().find(|(ending, _)| host.ends_with(ending)).map(|(_, resource)| *resource) }
    }

    /// Whether it is in one of Azure's clouds.
    pub(crate) fn is_azure(text: &str, kind: Kind) -> bool {
        Self::parse(text, kind).is_some_and(|address| CLOUDS.iter().any(|(ending, _)| address.vault.ends_with(ending)))
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_with_or_without_its_version() {
        let current = VaultAddress::parse("https://v.vault.azure.net/keys/app", Kind::Key).unwrap();
        assert_eq!((current.vault.as_str(), current.path.as_str(), current.version), ("https://v.vault.azure.net", "keys/app", None));
        let exact = VaultAddress::parse("https://v.vault.azure.net/keys/app/0a1b", Kind::Key).unwrap();
        assert_eq!(exact.version.as_deref(), Some("0a1b"));
    }

    #[test]
    fn what_is_no_address_of_a_key_is_refused() {
        for text in [
            "",
            "app",
            "http://v.vault.azure.net/keys/app",
            "https://v.vault.azure.net/",
            "https://v.vault.azure.net/keys",
            "https://v.vault.azure.net/keys/",
            "https://v.vault.azure.net/secrets/app",
            "https://v.vault.azure.net/keys/app/1/2",
            "https://v.vault.azure.net/keys/app/",
            "https://v.vault.azure.net/keys/a%2Fb",
            "https://v.vault.azure.net/keys/app?x=1",
            "https://v.vault.azure.net/keys/app#x",
            "https://u:p@v.vault.azure.net/keys/app",
        ] {
            assert_eq!(VaultAddress::parse(text, Kind::Key), None, "Input: {text}");
        }
    }

    #[test]
    fn only_a_host_of_azure_gets_a_token() {
        let resource = |text| VaultAddress::parse(text, Kind::Secret).unwrap().resource();
        assert_eq!(resource("https://v.vault.azure.net/secrets/s"), Some("https://vault.azure.net"));
        assert_eq!(resource("https://v.managedhsm.azure.net/secrets/s"), Some("https://managedhsm.azure.net"));
        for text in [
            "https://vault.azure.net.example.com/secrets/s",
            "https://v.vault.azure.net.example.com/secrets/s",
            "https://vvault.azure.net/secrets/s",
            "https://v.vault.azure.net:8443/secrets/s",
            "https://127.0.0.1/secrets/s",
            "https://localhost:8443/secrets/s",
        ] {
            assert_eq!(resource(text), None, "Input: {text}");
        }
    }
}
