//! `GET /rate_limit`.

use http::StatusCode;
use serde_json::json;

use super::quota::Left;
use crate::reply::Reply;

/// What is left of the hour. Asking costs nothing.
pub(crate) fn rate_limit(left: Left) -> Reply {
    let core = json!({"limit": left.limit, "used": left.used, "remaining": left.remaining(), "reset": left.reset, "resource": "core"});
    let search = json!({"limit": 30, "used": 0, "remaining": 30, "reset": left.reset, "resource": "search"});
    left.onto(Reply::json(StatusCode::OK, &json!({"resources": {"core": core, "search": search}, "rate": core})))
}
