//! The protocol of Terraform's `external` data source: a JSON map of text in, a JSON map of text out.

use std::{collections::BTreeMap, io::Read};

use anyhow::{Context as _, bail};

use super::service::ServiceArgs;

/// Longest query, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What the data source's `query` says; it wins over the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    scope: Option<String>,
    identity: Option<String>,
    domain: Option<String>,
    url: Option<String>,
    audience: Option<String>,
    from: Option<String>,
}

impl Query {
    /// Reads the query. An unknown name is an error: it would be a setting that does nothing.
    pub(crate) fn read(reader: impl Read) -> anyhow::Result<Self> {
        let map: BTreeMap<String, String> =
            serde_json::from_reader(reader.take(LONGEST)).context("standard input is not a query of Terraform's: a JSON map of text")?;
        let mut query = Self::default();
        for (name, value) in map {
            *query.member(&name)? = Some(value);
        }
        Ok(query)
    }

    fn member(&mut self, name: &str) -> anyhow::Result<&mut Option<String>> {
        Ok(match name {
            "scope" => &mut self.scope,
            "identity" => &mut self.identity,
            "domain" => &mut self.domain,
            "url" => &mut self.url,
            "audience" => &mut self.audience,
            "from" => &mut self.from,
            _ => bail!("the query holds `{name}`; it may hold scope, identity, domain, url, audience and from"),
        })
    }

    pub(crate) fn apply(self, scope: &mut Option<String>, identity: &mut Option<String>, service: &mut ServiceArgs) {
        *scope = self.scope.or(scope.take());
        *identity = self.identity.or(identity.take());
        service.url = self.url.or(service.url.take());
        service.audience = self.audience.or(service.audience.take());
        service.from = self.from.unwrap_or_else(|| std::mem::take(&mut service.from));
        service.domain = self.domain.or(service.domain.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_a_map_of_known_names() {
        let query = Query::read(br#"{"scope":"a/b","identity":"ci"}"#.as_slice()).unwrap();
        assert_eq!((query.scope.as_deref(), query.identity.as_deref(), query.url), (Some("a/b"), Some("ci"), None));
        assert_eq!(Query::read(b"{}".as_slice()).unwrap(), Query::default());
        for odd in ["", "[]", r#"{"scope":1}"#, r#"{"Scope":"a"}"#, r#"{"token":"x"}"#] {
            assert!(Query::read(odd.as_bytes()).is_err(), "Input: {odd}");
        }
    }
}
