//! The operations, path by path.

use serde_json::{Value, json};

/// Headers that several answers have.
pub(super) fn headers() -> Value {
    json!({
        "RequestId": { "description": "Names the request in the log and in the audit event", "schema": { "type": "string", "format": "uuid" } },
        "RetryAfter": { "description": "When to try again, in seconds", "schema": { "type": "integer", "minimum": 1 } },
        "Challenge": { "description": "`Bearer`, and what is wrong with a token that was sent (RFC 6750)", "schema": { "type": "string" } },
    })
}

pub(super) fn paths() -> Value {
    json!({
        "/": { "get": about() },
        "/healthz": { "get": probe("alive", "Whether the process lives", "Alive", None) },
        "/readyz": { "get": probe("ready", "Whether it can exchange tokens", "Ready", Some("It cannot, or it is shutting down")) },
        "/openapi.json": { "get": probe("describe", "This description", "Description", None) },
        "/.well-known/oauth-authorization-server": { "get": metadata() },
        "/sts/exchange": { "get": exchange(false), "post": exchange(true) },
        "/sts/exchange_refresh_token": { "post": refresh() },
        "/sts/revoke": { "post": revoke() },
        "/oauth/token": { "post": token() },
    })
}

/// An answer in JSON of one of the schemas.
fn answer(description: &str, schema: &str) -> Value {
    json!({
        "description": description,
        "headers": { "X-Request-Id": { "$ref": "#/components/headers/RequestId" } },
        "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
    })
}

/// An answer that says when to try again.
fn later(description: &str, schema: &str) -> Value {
    let mut answer = answer(description, schema);
    answer["headers"]["Retry-After"] = json!({ "$ref": "#/components/headers/RetryAfter" });
    answer
}

fn probe(id: &str, summary: &str, schema: &str, not: Option<&str>) -> Value {
    let mut operation = json!({ "tags": ["service"], "operationId": id, "summary": summary, "responses": { "200": answer("It is so", schema) } });
    if let Some(not) = not {
        operation["responses"]["503"] = answer(not, schema);
    }
    operation
}

fn about() -> Value {
    let mut found = answer("A page for browsers, and a pointer to the documentation for everything else", "About");
    found["content"]["text/html"] = json!({ "schema": { "type": "string" } });
    json!({ "tags": ["service"], "operationId": "about", "summary": "What this is", "responses": { "200": found } })
}

fn metadata() -> Value {
    json!({
        "tags": ["oauth"],
        "operationId": "metadata",
        "summary": "What clients of OAuth 2.0 find here (RFC 8414)",
        "responses": { "200": answer("The metadata", "Metadata") },
    })
}

fn exchange(with_body: bool) -> Value {
    let field = |name: &str, description: &str, example: &str| json!({ "name": name, "in": "query", "description": description, "schema": { "type": "string" }, "example": example });
    let mut operation = json!({
        "tags": ["exchange"],
        "operationId": if with_body { "exchange" } else { "exchangeByGet" },
        "summary": "Exchanges an OIDC token for a GitHub token",
        "description": "`scope` and `identity` are required; each stands once, in the query or in the body.",
        "security": [{ "oidc": [] }],
        "parameters": [
            field("scope", "`OWNER/REPOSITORY`, or `OWNER` for a policy of the organisation", "acme/app"),
            field("scopes", "The newer name of `scope`; wins over it", "acme/app"),
            field("identity", "The name of the trust policy", "ci"),
        ],
        "responses": {
            "200": answer("The token", "Granted"),
            "400": answer("The request or the token is malformed, or a configuration at GitHub is", "Refusal"),
            "401": answer("There is no token, or it did not verify", "Refusal"),
            "403": answer("The token is genuine, and nothing admits it", "Refusal"),
            "404": answer("There is no such policy, or the App is not installed there", "Refusal"),
            "408": answer("The body took too long", "Refusal"),
            "413": answer("The body is longer than 4 KiB", "Refusal"),
            "415": answer("The body is multipart or compressed", "Refusal"),
            "429": later("A limit is reached, GitHub's or this service's", "Refusal"),
            "500": answer("The service is at fault", "Refusal"),
            "503": later("GitHub or the issuer does not answer, or the service is shutting down", "Refusal"),
        },
    });
    operation["responses"]["401"]["headers"]["WWW-Authenticate"] = json!({ "$ref": "#/components/headers/Challenge" });
    if with_body {
        let fields = json!({ "schema": { "$ref": "#/components/schemas/ExchangeFields" } });
        operation["requestBody"] = json!({ "content": { "application/x-www-form-urlencoded": fields, "application/json": fields } });
    }
    operation
}

fn refresh() -> Value {
    json!({
        "tags": ["exchange"],
        "operationId": "exchangeRefreshToken",
        "summary": "There are no refresh tokens: exchange again",
        "deprecated": true,
        "responses": { "501": answer("Always", "Refusal") },
    })
}

fn revoke() -> Value {
    let token = json!({ "schema": { "$ref": "#/components/schemas/RevokeFields" } });
    json!({
        "tags": ["exchange", "oauth"],
        "operationId": "revoke",
        "summary": "Ends a GitHub token (RFC 7009)",
        "description": "The token is sent as `Authorization: Bearer`, or as `token` in the body. One that is not known has ended: that is no error.",
        "security": [{ "github": [] }, {}],
        "requestBody": { "content": { "application/x-www-form-urlencoded": token, "application/json": token } },
        "responses": {
            "200": answer("The token has ended", "Empty"),
            "400": answer("There is no token, or it is of a kind that is not ended here", "OAuthError"),
            "408": answer("The body took too long", "OAuthError"),
            "413": answer("The body is longer than 4 KiB", "OAuthError"),
            "415": answer("The body is multipart or compressed", "OAuthError"),
            "429": later("Too many tokens from this address were unknown", "OAuthError"),
            "503": later("GitHub does not answer: the token may live on", "OAuthError"),
        },
    })
}

fn token() -> Value {
    json!({
        "tags": ["oauth"],
        "operationId": "token",
        "summary": "Exchanges an OIDC token for a GitHub token (RFC 8693)",
        "requestBody": {
            "required": true,
            "content": { "application/x-www-form-urlencoded": { "schema": { "$ref": "#/components/schemas/TokenFields" } } },
        },
        "responses": {
            "200": answer("The token", "OAuthToken"),
            "400": answer("A refusal (RFC 6749, section 5.2)", "OAuthError"),
            "408": answer("The body took too long", "OAuthError"),
            "413": answer("The body is longer than 20 KiB", "OAuthError"),
            "415": answer("The body is no form", "OAuthError"),
            "429": later("A limit is reached, GitHub's or this service's", "OAuthError"),
            "500": answer("The service is at fault", "OAuthError"),
            "503": later("GitHub or the issuer does not answer, or the service is shutting down", "OAuthError"),
        },
    })
}
