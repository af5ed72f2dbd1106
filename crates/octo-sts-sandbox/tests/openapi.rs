//! The fake GitHub against the published OpenAPI description.
