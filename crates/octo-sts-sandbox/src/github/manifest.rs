//! Apps that are registered from a manifest.

use std::sync::atomic::Ordering;

use http::StatusCode;
use octo_sts_types::AppId;
use serde_json::Value;

use super::{
    FakeApp, FakeGitHub,
    problem::Problem,
    state::{Answer, State},
};
use crate::{
    lock::{read, write},
    reply::Reply,
};

/// What a code stands for until it is converted.
pub(crate) struct Registration {
    app: AppId,
    private_key: String,
}

/// The first id of an App that is registered from a manifest.
const FIRST: u64 = 700_001;

impl FakeGitHub {
    /// What GitHub's page does when a person submits a manifest there: registers the App, and gives the code that it sends
    /// the browser back with. The code counts once.
    ///
    /// # Panics
    ///
    /// When the manifest lacks what GitHub wants of it.
    pub fn register_from(&self, manifest: &Value) -> (FakeApp, String) {
        for member in ["name", "url", "redirect_url"] {
            assert!(manifest[member].is_string(), "the manifest lacks `{member}`: {manifest}");
        }
        let asked = manifest["default_permissions"].as_object().into_iter().flatten();
        let permissions: Vec<_> = asked.filter_map(|(name, level)| Some((name.as_str(), level.as_str()?))).collect();
        let id = (FIRST..u64::MAX).find(|id| !read(&self.state.world).apps.contains_key(&AppId(*id))).unwrap_or(FIRST);
        let app = self.create_app(id, &permissions);
        if let Some(url) = manifest["hook_attributes"]["url"].as_str() {
            app.deliver_to(url, true);
        }
        let events: Vec<_> = manifest["default_events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        app.subscribe(&events);
        let code = format!("{:040x}", 0xa180 + self.keys.load(Ordering::Relaxed));
        let registration = Registration { app: app.id(), private_key: app.private_key_pem() };
        write(&self.state.world).registrations.insert(code.clone(), registration);
        (app, code)
    }
}

impl State {
    /// `POST /app-manifests/{code}/conversions`.
    pub(crate) fn convert(&self, code: &str) -> Answer {
        let mut world = write(&self.world);
        let registration = world.registrations.remove(code).ok_or_else(Problem::not_found)?;
        let record = world.apps.get(&registration.app).ok_or_else(Problem::not_found)?;
        let mut app = self.addresses().app(record);
        app["client_secret"] = "a client secret of the sandbox".into();
        app["webhook_secret"] = "0123456789abcdef0123456789abcdef01234567".into();
        app["pem"] = registration.private_key.into();
        Ok(Reply::json(StatusCode::CREATED, &app))
    }
}
