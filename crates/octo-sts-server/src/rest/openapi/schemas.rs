//! What requests and answers are made of.

use serde_json::{Value, json};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

pub(super) fn schemas() -> Value {
    json!({
        "About": object(&["msg"], &json!({ "msg": text("Where the documentation is") })),
        "Alive": object(&["status"], &json!({ "status": { "const": "alive" } })),
        "Ready": object(&["ready", "reasons"], &json!({
            "ready": { "type": "boolean" },
            "reasons": { "type": "array", "items": { "type": "string" }, "description": "What keeps it from being ready" },
        })),
        "Description": { "type": "object", "required": ["openapi", "info", "paths"] },
        "Empty": { "type": "object", "maxProperties": 0 },
        "Permissions": {
            "type": "object",
            "description": "What the token may do, each permission with its level",
            "additionalProperties": { "enum": ["read", "write", "admin"] },
        },
        "Repositories": {
            "type": "array",
            "items": { "type": "string" },
            "description": "Full names; absent where the token reaches whatever the installation sees",
        },
        "Selection": { "enum": ["selected", "all"] },
        "Granted": granted(),
        "Refusal": refusal(),
        "ExchangeFields": object(&[], &json!({
            "scope": text("`OWNER/REPOSITORY`, or `OWNER`"),
            "scopes": { "type": "array", "items": { "type": "string" }, "maxItems": 1 },
            "identity": text("The name of the trust policy"),
        })),
        "RevokeFields": object(&[], &json!({ "token": secret("The GitHub token"), "token_type_hint": { "description": "Not looked at" } })),
        "TokenFields": token_fields(),
        "OAuthToken": oauth_token(),
        "OAuthError": oauth_error(),
        "Metadata": metadata(),
    })
}

fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn secret(description: &str) -> Value {
    json!({ "type": "string", "format": "password", "description": description })
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn granted() -> Value {
    let required = ["token", "refreshToken", "expiry", "access_token", "token_type", "expires_in", "permissions", "repository_selection"];
    object(
        &required,
        &json!({
            "token": secret("The GitHub token"),
            "refreshToken": { "const": "" },
            "expiry": { "type": "string", "format": "date-time" },
            "access_token": secret("The GitHub token again"),
            "token_type": { "const": "Bearer" },
            "expires_in": { "type": "integer", "minimum": 0, "description": "Seconds" },
            "permissions": schema("Permissions"),
            "repositories": schema("Repositories"),
            "repository_selection": schema("Selection"),
        }),
    )
}

fn refusal() -> Value {
    let details = object(
        &["@type", "reason", "domain", "metadata"],
        &json!({
            "@type": { "const": "type.googleapis.com/google.rpc.ErrorInfo" },
            "reason": text("A stable word"),
            "domain": text("The service's name"),
            "metadata": { "type": "object", "additionalProperties": { "type": "string" }, "description": "Stage, request id, facts of the caller's token" },
        }),
    );
    object(
        &["code", "message", "details"],
        &json!({
            "code": { "type": "integer", "minimum": 1, "maximum": 16, "description": "The code of gRPC" },
            "message": text("What is wrong, and what to do"),
            "details": { "type": "array", "items": details, "maxItems": 1 },
        }),
    )
}

fn token_fields() -> Value {
    object(
        &["grant_type", "subject_token", "subject_token_type"],
        &json!({
            "grant_type": { "const": TOKEN_EXCHANGE },
            "subject_token": secret("The OIDC token"),
            "subject_token_type": { "enum": [
                "urn:ietf:params:oauth:token-type:id_token",
                "urn:ietf:params:oauth:token-type:jwt",
                ACCESS_TOKEN,
            ] },
            "requested_token_type": { "const": ACCESS_TOKEN },
            "resource": text("`https://github.com/OWNER/REPOSITORY`, or `OWNER/REPOSITORY`"),
            "audience": text("As `resource`; the service's own name says nothing"),
            "scope": text("`OWNER/REPOSITORY`, `identity:NAME`, or both with a space between them"),
            "identity": text("The name of the trust policy"),
            "client_id": text("Not needed"),
        }),
    )
}

fn oauth_token() -> Value {
    object(
        &["access_token", "issued_token_type", "token_type", "expires_in", "scope", "permissions", "repository_selection"],
        &json!({
            "access_token": secret("The GitHub token"),
            "issued_token_type": { "const": ACCESS_TOKEN },
            "token_type": { "const": "Bearer" },
            "expires_in": { "type": "integer", "minimum": 0, "description": "Seconds" },
            "scope": text("What was asked for"),
            "permissions": schema("Permissions"),
            "repositories": schema("Repositories"),
            "repository_selection": schema("Selection"),
        }),
    )
}

fn oauth_error() -> Value {
    let words = [
        "invalid_request",
        "invalid_grant",
        "invalid_target",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_token_type",
        "temporarily_unavailable",
        "server_error",
    ];
    object(
        &["error", "error_description", "request_id"],
        &json!({
            "error": { "enum": words },
            "error_description": text("What is wrong, and what to do"),
            "reason": text("A stable word for a refused exchange"),
            "request_id": { "type": "string" },
        }),
    )
}

fn metadata() -> Value {
    let uri = json!({ "type": "string", "format": "uri" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    object(
        &["issuer", "token_endpoint", "revocation_endpoint", "grant_types_supported", "response_types_supported"],
        &json!({
            "issuer": uri,
            "token_endpoint": uri,
            "revocation_endpoint": uri,
            "service_documentation": uri,
            "grant_types_supported": texts,
            "response_types_supported": texts,
            "token_endpoint_auth_methods_supported": texts,
            "revocation_endpoint_auth_methods_supported": texts,
        }),
    )
}
