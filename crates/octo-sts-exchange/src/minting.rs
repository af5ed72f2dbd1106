//! From a grant to a token: which App mints, and what happens when one cannot.

use std::{collections::VecDeque, sync::Arc};

use octo_sts_github::{App, GitHub, GitHubError, Installation, InstallationToken, Outage, Targets, Trace};
use octo_sts_policy::AppRequirement;
use octo_sts_types::{
    AppId, Claims, Clock, Grant, GrantedRepositories, Identity, InstallationId, Level, Owner, Permission, Permissions, Repository, RepositoryId,
    Scope,
};

use crate::{
    apps::Pool,
    error::{During, ExchangeError},
    installations::Installations,
    readers::Place,
    routes::{Route, Routes},
    routing::{self, Quota, QuotaFloors, Spread},
};

/// How often a mint is tried, on one App or on several.
const TRIES: usize = 3;

/// What the token is wanted for.
pub(crate) struct Wanted<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) identity: &'a Identity,
    pub(crate) claims: &'a Claims,
    /// The repository the policy was read from.
    pub(crate) target: &'a Repository,
    pub(crate) target_id: RepositoryId,
    /// Whether the policy's text was read in this very exchange, and so never before under this name.
    pub(crate) newly_read: bool,
}

pub(crate) struct Minting {
    github: GitHub,
    clock: Arc<dyn Clock>,
    installations: Arc<Installations>,
    routes: Routes,
    floors: QuotaFloors,
    spread: Spread,
}

/// A token, and what the sticky store is owed for it.
pub(crate) struct Minted {
    pub(crate) token: InstallationToken,
    app: AppId,
    order: Order,
}

/// The Apps to try, and the route that put the first one there.
struct Order {
    apps: Vec<Arc<App>>,
    route: Option<Route>,
}

impl From<Vec<Arc<App>>> for Order {
    fn from(apps: Vec<Arc<App>>) -> Self {
        Self { apps, route: None }
    }
}

impl Minting {
    pub(crate) fn new(github: GitHub, clock: Arc<dyn Clock>, installations: Arc<Installations>, routes: Routes, floors: QuotaFloors) -> Self {
        Self { github, clock, installations, routes, floors, spread: Spread::default() }
    }

    /// The Apps of a pool in the order in which to look for an installation to read with. They take turns: what is left of an
    /// App's calls is known from the answers to its reads.
    pub(crate) async fn reading_order(&self, pool: &Pool, owner: &Owner) -> Vec<Arc<App>> {
        self.by_quota(pool.apps().to_vec(), owner).await
    }

    /// Mints `grant` with the Apps of the pool that the policy admits, the next one when one is limited or fails, and the
    /// first one once more when it answered with a server error. A mint whose answer was lost is not made again by any.
    pub(crate) async fn mint(
        &self,
        pool: &Pool,
        place: &Place,
        requirement: Option<&AppRequirement>,
        grant: &Grant,
        wanted: &Wanted<'_>,
        trace: &Trace,
    ) -> Result<Minted, ExchangeError> {
        let order = self.order(pool, place, requirement, grant, wanted).await?;
        let mut queue: VecDeque<Arc<App>> = order.apps.iter().cloned().collect();
        let (mut failed, mut tries) = (None, 0);
        while let Some(app) = queue.pop_front().filter(|_| tries < TRIES) {
            let Some(installation) = self.installation(&app, place, wanted, trace).await else { continue };
            tries += 1;
            let error = match self.mint_with(&app, installation.id, grant, wanted, trace).await {
                Ok(token) => {
                    let token = self.confirmed(token, &app, &installation, grant, wanted, trace).await?;
                    return Ok(Minted { token, app: app.id, order });
                }
                Err(error) => naming_what_lacks(error, grant.permissions(), &installation),
            };
            let (again, elsewhere) = (failed.is_none() && is_server_error(&error), may_mint_elsewhere(&error));
            failed = Some(ExchangeError::GitHub { during: During::Mint, source: error });
            if !elsewhere {
                break;
            }
            if again {
                queue.push_back(app);
            }
        }
        Err(failed.unwrap_or(ExchangeError::NotInstalled))
    }

    /// The token, to be handed over: its route is used.
    pub(crate) async fn hand_over(&self, minted: Minted) -> InstallationToken {
        if let Some(route) = &minted.order.route {
            self.routes.used(route, minted.app, &minted.order.apps).await;
        }
        minted.token
    }

    async fn order(
        &self,
        pool: &Pool,
        place: &Place,
        requirement: Option<&AppRequirement>,
        grant: &Grant,
        wanted: &Wanted<'_>,
    ) -> Result<Order, ExchangeError> {
        if requirement.is_none() && pool.apps().len() == 1 {
            return Ok(pool.apps().to_vec().into());
        }
        let admitted = |app: &&Arc<App>| requirement.is_none_or(|requirement| requirement.admits(app.name.as_deref()));
        let apps: Vec<_> = pool.apps().iter().filter(admitted).cloned().collect();
        if apps.is_empty() {
            return Err(ExchangeError::NoSuchApp);
        }
        let writes_checks = grant.permissions().level_of("checks").is_some_and(|level| level >= Level::Write);
        if writes_checks {
            let ids: Vec<AppId> = apps.iter().map(|app| app.id).collect();
            let (scope, identity, subject) = (wanted.scope.key(), wanted.identity.as_str(), wanted.claims.subject().as_str());
            let order = routing::sticky(&ids, &scope, identity, subject);
            let mut apps: Vec<_> = order.into_iter().map(|at| Arc::clone(&apps[at])).collect();
            let route = self.routes.look([&scope, identity, subject]).await;
            if let Some(route) = &route {
                route.lead(&mut apps);
            }
            return Ok(Order { apps, route });
        }
        let mut order = self.by_quota(apps, &place.owner).await;
        // An exchange that had to read the policy has its installation; another one's would have to be looked for first.
        if let Some(at) = order.iter().position(|app| wanted.newly_read && app.id == place.app.id) {
            order[..=at].rotate_right(1);
        }
        Ok(order.into())
    }

    async fn by_quota(&self, apps: Vec<Arc<App>>, owner: &Owner) -> Vec<Arc<App>> {
        if apps.len() < 2 {
            return apps;
        }
        let mut quotas = Vec::with_capacity(apps.len());
        for app in &apps {
            let installation = self.installations.cached(&(app.id, owner.clone())).await;
            let reading = installation.and_then(|installation| self.github.quota(app.id, installation.id));
            quotas.push(reading.map(|reading| Quota { left: u32::try_from(reading.remaining).unwrap_or(u32::MAX), at: reading.read_at }));
        }
        let order = routing::by_quota(&quotas, &self.floors, self.clock.monotonic(), self.spread.next());
        order.into_iter().map(|at| Arc::clone(&apps[at])).collect()
    }

    /// Where `app` is installed; `None` when it is not, or nobody can say now.
    async fn installation(&self, app: &Arc<App>, place: &Place, wanted: &Wanted<'_>, trace: &Trace) -> Option<Arc<Installation>> {
        if app.id == place.app.id {
            return Some(Arc::clone(&place.installation));
        }
        self.installations.find(app, wanted.scope, wanted.claims.issuer(), trace).await.ok().flatten()
    }

    async fn mint_with(
        &self,
        app: &App,
        installation: InstallationId,
        grant: &Grant,
        wanted: &Wanted<'_>,
        trace: &Trace,
    ) -> Result<InstallationToken, GitHubError> {
        let target = [wanted.target_id];
        let targets = match grant.repositories() {
            GrantedRepositories::Target => Targets::Ids(&target),
            GrantedRepositories::Named(names) => Targets::Names(names),
            GrantedRepositories::Every => Targets::Every,
        };
        self.github.mint(app, installation, grant, targets, trace).await
    }

    /// Hands out a token only for repositories that still belong to the owner asked for.
    ///
    /// GitHub frees the name of a renamed owner. Who takes it can write policies under it; the installation they would be
    /// minted on is the old owner's. A token on chosen repositories names them, and so its owner. One on every repository
    /// names none: the installation is looked up once more when its policy was never seen under this name before.
    async fn confirmed(
        &self,
        token: InstallationToken,
        app: &App,
        installation: &Installation,
        grant: &Grant,
        wanted: &Wanted<'_>,
        trace: &Trace,
    ) -> Result<InstallationToken, ExchangeError> {
        let owner = wanted.scope.owner();
        let same = match grant.repositories() {
            GrantedRepositories::Target => token.repositories().iter().all(|minted| minted.is(wanted.target)),
            GrantedRepositories::Named(_) => token.repositories().iter().all(|minted| minted.belongs_to(owner)),
            GrantedRepositories::Every if wanted.newly_read => {
                let now = self.github.owner_installation(app, owner, trace).await;
                now.is_ok_and(|now| now.is_some_and(|now| now.id == installation.id && owner.is(&now.account_login)))
            }
            GrantedRepositories::Every => true,
        };
        if same {
            return Ok(token);
        }
        tracing::warn!(scope = %wanted.scope, "the owner or the repository goes by another name now; a token is revoked");
        self.github.revoke_in_background(token);
        Err(ExchangeError::Renamed)
    }
}

/// GitHub's refusal and, beside its words, which of the permissions asked for the installation was not granted: GitHub does
/// not say that, and whoever has to grant them wants to know.
fn naming_what_lacks(error: GitHubError, asked: &Permissions, installation: &Installation) -> GitHubError {
    let GitHubError::Unprocessable { message } = error else { return error };
    let granted = |permission: Permission| installation.permissions.get(permission.name())?.parse::<Level>().ok();
    let lacks: Vec<_> = asked
        .iter()
        .filter(|(permission, level)| granted(*permission).is_none_or(|most| most < *level))
        .map(|(permission, level)| format!("`{permission}: {level}`"))
        .collect();
    if lacks.is_empty() || installation.permissions.is_empty() {
        return GitHubError::Unprocessable { message };
    }
    GitHubError::Unprocessable { message: format!("{message} Its administrator has to grant the GitHub App {}.", lacks.join(", ")) }
}

/// Whether another mint may have better luck, and cannot leave a second token that nobody knows of.
fn may_mint_elsewhere(error: &GitHubError) -> bool {
    error.is_transient() && error.left_no_token()
}

/// Whether GitHub answered with a server error and does not ask us to wait: whatever it did, no token has left it.
fn is_server_error(error: &GitHubError) -> bool {
    matches!(error, GitHubError::Unavailable { outage: Outage::Status(_), retry_after: None })
}
