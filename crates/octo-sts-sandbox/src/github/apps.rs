//! What an App can ask about itself and its installations.

use http::StatusCode;
use jiff::Timestamp;
use octo_sts_types::{AppId, InstallationId};
use serde_json::{Value, json};

use super::{
    page::Page,
    problem::Problem,
    route::{Named, Route},
    state::{Answer, State, installation_of},
    world::{InstallationRecord, Lookup, OwnerKind, World},
};
use crate::{
    lock::{read, write},
    reply::Reply,
    transport::Request,
};

impl State {
    pub(crate) fn answer_app(&self, app: AppId, route: &Route<'_>, request: &Request, now: Timestamp) -> Answer {
        match route {
            Route::Mint(id) => self.mint(app, *id, request, now),
            Route::Suspend(id) => self.suspend(app, *id, Some(now)),
            Route::Unsuspend(id) => self.suspend(app, *id, None),
            Route::Uninstall(id) => self.uninstall(app, *id),
            _ => {
                let world = read(&self.world);
                self.look(&world, app, route, request)
            }
        }
    }

    fn look(&self, world: &World, app: AppId, route: &Route<'_>, request: &Request) -> Answer {
        match route {
            Route::App => world.apps.get(&app).map(|record| ok(&self.addresses().app(record))).ok_or_else(Problem::not_found),
            Route::Hook => Self::hook(world, app),
            Route::Deliveries => Self::deliveries(world, app, request),
            Route::Installations => Ok(self.installations(world, app, request)),
            Route::Installation(id) => self.shown(world, own(world, app, *id).ok()),
            Route::OrganizationInstallation(login) => self.of_owner(world, app, login, OwnerKind::Organization),
            Route::UserInstallation(login) => self.of_owner(world, app, login, OwnerKind::User),
            Route::RepositoryInstallation(named) => self.of_repository(world, app, *named),
            _ => Err(Problem::not_found()),
        }
    }

    fn installations(&self, world: &World, app: AppId, request: &Request) -> Reply {
        let all = world.apps.get(&app).map(|record| record.installations.as_slice()).unwrap_or_default();
        let query = request.query.as_deref();
        let page = Page::of(query);
        let shown: Vec<Value> =
            page.cut(all).iter().filter_map(|id| world.installations.get(id)).map(|one| self.addresses().installation(world, one)).collect();
        let reply = ok(&Value::Array(shown));
        match page.links(&format!("{}/app/installations", self.addresses().api), query, all.len()) {
            Some(links) => reply.with_text("link", &links),
            None => reply,
        }
    }

    fn of_owner(&self, world: &World, app: AppId, login: &str, kind: OwnerKind) -> Answer {
        let owner = world.owner(login).filter(|owner| owner.kind == kind);
        self.shown(world, owner.and_then(|owner| world.installation_of(app, owner.id)))
    }

    fn of_repository(&self, world: &World, app: AppId, named: Named<'_>) -> Answer {
        let (repository, moved) = match named {
            Named::Id(id) => (world.repositories.get(&id), false),
            Named::Name { owner, name } => match world.look_up(owner, name) {
                Some(Lookup::Here(repository)) => (Some(repository), false),
                Some(Lookup::Moved(repository)) => (Some(repository), true),
                None => (None, false),
            },
        };
        let repository = repository.ok_or_else(Problem::not_found)?;
        let installation = world.installation_of(app, repository.owner).filter(|installation| installation.covers(repository));
        if moved && installation.is_some() {
            return Err(Problem::moved(format!("{}/repositories/{}/installation", self.addresses().api, repository.id)));
        }
        self.shown(world, installation)
    }

    fn shown(&self, world: &World, installation: Option<&InstallationRecord>) -> Answer {
        installation.map(|installation| ok(&self.addresses().installation(world, installation))).ok_or_else(Problem::not_found)
    }

    fn suspend(&self, app: AppId, id: InstallationId, since: Option<Timestamp>) -> Answer {
        let mut world = write(&self.world);
        own(&world, app, id)?;
        if let Some(installation) = world.installations.get_mut(&id) {
            installation.suspended_at = since;
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    fn uninstall(&self, app: AppId, id: InstallationId) -> Answer {
        let mut world = write(&self.world);
        own(&world, app, id)?;
        world.uninstall(id);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

/// An App's own installation; those of other Apps do not exist for it.
pub(crate) fn own(world: &World, app: AppId, id: InstallationId) -> Result<&InstallationRecord, Problem> {
    world.installations.get(&id).filter(|installation| installation.app == app).ok_or_else(Problem::not_found)
}

pub(crate) fn ok(value: &Value) -> Reply {
    Reply::json(StatusCode::OK, value)
}

impl World {
    pub(crate) fn uninstall(&mut self, id: InstallationId) {
        if let Some(installation) = self.installations.remove(&id) {
            self.by_account.remove(&(installation.app, installation.account));
            if let Some(app) = self.apps.get_mut(&installation.app) {
                app.installations.retain(|other| *other != id);
            }
        }
    }
}

impl State {
    /// `GET /installation/repositories`.
    pub(crate) fn visible_repositories(&self, token: &super::ledger::TokenRecord, request: &Request) -> Answer {
        let world = read(&self.world);
        let installation = installation_of(&world, token)?;
        let all: Vec<_> = world.covered(installation).into_iter().filter(|repository| !token.excludes(repository.id)).collect();
        let query = request.query.as_deref();
        let page = Page::of(query);
        let shown: Vec<Value> = page.cut(&all).iter().map(|one| self.addresses().repository_value(&world, one)).collect();
        let selection = if token.repositories.is_some() || installation.selected.is_some() { "selected" } else { "all" };
        let reply = ok(&json!({"total_count": all.len(), "repository_selection": selection, "repositories": shown}));
        Ok(match page.links(&format!("{}/installation/repositories", self.addresses().api), query, all.len()) {
            Some(links) => reply.with_text("link", &links),
            None => reply,
        })
    }
}
