//! A policy as the audit event records it: upstream's field names, what was written.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::TrustPolicy;
use crate::{Pattern, Requirement};

impl Serialize for TrustPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        requirement(&mut map, ["issuer", "issuer_pattern"], Some(&self.issuer))?;
        requirement(&mut map, ["subject", "subject_pattern"], Some(&self.subject))?;
        requirement(&mut map, ["audience", "audience_pattern"], self.audience.as_ref())?;
        if !self.claims.is_empty() {
            map.serialize_entry("claim_pattern", &Claims(&self.claims))?;
        }
        map.serialize_entry("permissions", &self.permissions)?;
        if let Some(listed) = &self.repositories {
            let names: Vec<_> = listed.names.iter().map(octo_sts_types::RepositoryName::as_str).collect();
            map.serialize_entry("repositories", &names)?;
        }
        requirement(&mut map, ["app", "app_pattern"], self.app.as_ref().map(|app| &app.0))?;
        if let Some(jwks) = &self.jwks {
            map.serialize_entry("jwks", jwks)?;
        }
        map.end()
    }
}

fn requirement<M: SerializeMap>(map: &mut M, names: [&str; 2], requirement: Option<&Requirement>) -> Result<(), M::Error> {
    match requirement {
        Some(Requirement::Exact(text)) => map.serialize_entry(names[0], text),
        Some(Requirement::Pattern(pattern)) => map.serialize_entry(names[1], pattern.as_str()),
        None => Ok(()),
    }
}

struct Claims<'p>(&'p [(Box<str>, Pattern)]);

impl Serialize for Claims<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, pattern)| (name, pattern.as_str())))
    }
}
