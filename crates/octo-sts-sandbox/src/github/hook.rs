//! The webhook of an App: where its deliveries go, and what became of the latest.

use http::StatusCode;
use jiff::Timestamp;
use octo_sts_types::AppId;
use serde_json::{Value, json};

use super::{
    fake_app::FakeApp,
    page::Page,
    problem::Problem,
    render::time,
    state::{Answer, State},
    world::World,
};
use crate::{lock::write, reply::Reply, transport::Request};

/// An App's webhook.
pub(crate) struct HookRecord {
    url: String,
    verifies_tls: bool,
    /// The latest first.
    deliveries: Vec<DeliveryRecord>,
}

struct DeliveryRecord {
    event: String,
    status: StatusCode,
    at: Timestamp,
}

impl FakeApp {
    /// Turns the App's webhook on, as its settings page does. Deliveries are only noted, with [`FakeApp::delivered`].
    pub fn deliver_to(&self, url: &str, verifies_tls: bool) {
        let hook = HookRecord { url: url.to_owned(), verifies_tls, deliveries: Vec::new() };
        if let Some(app) = write(&self.github().state.world).apps.get_mut(&self.id()) {
            app.hook = Some(hook);
        }
    }

    /// Subscribes the App to these events, and to no other.
    pub fn subscribe(&self, events: &[&str]) {
        if let Some(app) = write(&self.github().state.world).apps.get_mut(&self.id()) {
            app.events = events.iter().map(|event| (*event).to_owned()).collect();
        }
    }

    /// Notes a delivery that was answered with this status.
    pub fn delivered(&self, event: &str, status: StatusCode) {
        let at = self.now();
        let mut world = write(&self.github().state.world);
        if let Some(hook) = world.apps.get_mut(&self.id()).and_then(|app| app.hook.as_mut()) {
            hook.deliveries.insert(0, DeliveryRecord { event: event.to_owned(), status, at });
        }
    }
}

impl State {
    /// `GET /app/hook/config`.
    pub(crate) fn hook(world: &World, app: AppId) -> Answer {
        let hook = hook_of(world, app)?;
        let insecure = if hook.verifies_tls { "0" } else { "1" };
        Ok(Reply::json(StatusCode::OK, &json!({"content_type": "json", "insecure_ssl": insecure, "secret": "********", "url": hook.url})))
    }

    /// `GET /app/hook/deliveries`: the latest first.
    pub(crate) fn deliveries(world: &World, app: AppId, request: &Request) -> Answer {
        let hook = hook_of(world, app)?;
        let numbered: Vec<_> = hook.deliveries.iter().zip((1..=hook.deliveries.len()).rev()).collect();
        let shown: Vec<Value> = Page::of(request.query.as_deref()).cut(&numbered).iter().map(|(one, id)| delivery(one, *id)).collect();
        Ok(Reply::json(StatusCode::OK, &Value::Array(shown)))
    }
}

fn hook_of(world: &World, app: AppId) -> Result<&HookRecord, Problem> {
    world.apps.get(&app).and_then(|app| app.hook.as_ref()).ok_or_else(Problem::not_found)
}

/// A `hook-delivery-item`.
fn delivery(record: &DeliveryRecord, id: usize) -> Value {
    json!({
        "id": id,
        "guid": format!("00000000-0000-4000-8000-{id:012}"),
        "delivered_at": time(record.at),
        "redelivery": false,
        "duration": 0.03,
        "status": record.status.canonical_reason().unwrap_or("OK"),
        "status_code": record.status.as_u16(),
        "event": record.event,
        "action": null,
        "installation_id": null,
        "repository_id": null,
    })
}
