//! `GET /openapi.json`: every route over HTTP, described as `OpenAPI` 3.1.
//!
//! `schemas/openapi.json` is the committed copy. The description is the same at every name the service has: its one server
//! is the one that it was fetched from.

mod operations;
mod schemas;

use std::sync::LazyLock;

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::reply;
use crate::reply::Reply;

static TEXT: LazyLock<String> = LazyLock::new(openapi);

/// The description, as text.
pub fn openapi() -> String {
    format!("{:#}\n", document())
}

/// Answers a request for it.
pub(super) fn description() -> Response<Reply> {
    reply::json(StatusCode::OK, TEXT.as_str())
}

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Octo STS",
            "summary": "A security token service for GitHub",
            "description": "Exchanges the OIDC token of a workload for a GitHub token that carries what a trust policy grants.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "exchange", "description": "From an OIDC token to a GitHub token" },
            { "name": "oauth", "description": "The same for clients of OAuth 2.0" },
            { "name": "service", "description": "About the service itself" },
        ],
        "paths": operations::paths(),
        "components": {
            "securitySchemes": {
                "oidc": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The OIDC token of the workload" },
                "github": { "type": "http", "scheme": "bearer", "description": "The GitHub token that is to end" },
            },
            "headers": operations::headers(),
            "schemas": schemas::schemas(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::Method;

    use super::*;
    use crate::rest::Route;

    const METHODS: [(&str, Method); 5] =
        [("get", Method::GET), ("post", Method::POST), ("put", Method::PUT), ("delete", Method::DELETE), ("patch", Method::PATCH)];

    #[test]
    fn every_route_and_method_is_described_and_no_other() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        let described: BTreeSet<_> = paths.keys().map(|path| Route::find(path).unwrap_or_else(|| panic!("no route: {path}")).as_str()).collect();
        let routes: BTreeSet<_> = Route::ALL.iter().map(|route| route.as_str()).collect();
        assert_eq!(described, routes);
        for (path, item) in paths {
            for (name, method) in METHODS {
                assert_eq!(item.get(name).is_some(), Route::find(path).unwrap().admits(&method), "Input: {name} {path}");
            }
        }
    }

    #[test]
    fn references_lead_somewhere_and_operations_have_names_of_their_own() {
        let document = document();
        let (mut references, mut names) = (Vec::new(), Vec::new());
        walk(&document, &mut references, &mut names);
        assert!(references.len() > 20);
        for reference in references {
            assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "Input: {reference}");
        }
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    fn walk(value: &Value, references: &mut Vec<String>, names: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value) {
                        ("$ref", Value::String(reference)) => references.push(reference.clone()),
                        ("operationId", Value::String(name)) => names.push(name.clone()),
                        _ => walk(value, references, names),
                    }
                }
            }
            Value::Array(entries) => entries.iter().for_each(|entry| walk(entry, references, names)),
            _ => {}
        }
    }
}
