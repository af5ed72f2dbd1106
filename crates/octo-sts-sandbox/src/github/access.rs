//! Endpoints of one repository: found, allowed, answered.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    apps::ok,
    ledger::TokenRecord,
    problem::Problem,
    route::{Named, Within},
    state::{Answer, State, installation_of},
    world::{Lookup, RepositoryRecord, World},
};
use crate::{
    lock::{read, write},
    reply::Reply,
    transport::Request,
};

/// Everything an endpoint of a repository works with.
pub(crate) struct Ask<'a> {
    pub(crate) state: &'a State,
    pub(crate) world: &'a World,
    pub(crate) repository: &'a RepositoryRecord,
    pub(crate) request: &'a Request,
    pub(crate) token: Option<&'a TokenRecord>,
    pub(crate) now: Timestamp,
}

impl State {
    pub(crate) fn within(&self, token: Option<&TokenRecord>, named: Named<'_>, within: &Within<'_>, request: &Request, now: Timestamp) -> Answer {
        if matches!(within, Within::PutContents(_) | Within::DeleteContents(_)) {
            return self.change_contents(token, named, within, request);
        }
        let world = read(&self.world);
        let repository = self.open(&world, token, named, within, request)?;
        let ask = Ask { state: self, world: &world, repository, request, token, now };
        match within {
            Within::Repository => Ok(Reply::json_text(StatusCode::OK, self.addresses().repository_text(&world, repository).to_string())),
            Within::ReadContents(path) => ask.contents(path),
            Within::Compare(basehead) => ask.compare(basehead),
            Within::Branches => Ok(ask.branches()),
            Within::Branch(name) => ask.branch(name),
            Within::Commit(reference) => ask.commit(reference),
            Within::CommitPulls(sha) => Ok(ask.pulls_with(sha)),
            Within::Pulls => Ok(ask.pulls()),
            Within::Pull(number) => ask.pull(*number),
            Within::PullFiles(number) => ask.pull_files(*number),
            Within::CreateCheckRun => ask.create_check_run(),
            Within::CheckRun(id) => ask.check_run(*id),
            Within::UpdateCheckRun(id) => ask.update_check_run(*id),
            Within::Issues => Ok(ask.issues()),
            Within::CreateIssue => ask.create_issue(),
            Within::PutContents(_) | Within::DeleteContents(_) => Err(Problem::not_found()),
        }
    }

    /// Writes take the world for writing, after the same judgement as reads.
    fn change_contents(&self, token: Option<&TokenRecord>, named: Named<'_>, within: &Within<'_>, request: &Request) -> Answer {
        let mut world = write(&self.world);
        let repository = self.open(&world, token, named, within, request)?.id;
        self.write_contents(&mut world, repository, token, within, request)
    }

    /// The repository, when the caller may do this to it.
    fn open<'a>(
        &self,
        world: &'a World,
        token: Option<&TokenRecord>,
        named: Named<'_>,
        within: &Within<'_>,
        request: &Request,
    ) -> Result<&'a RepositoryRecord, Problem> {
        let (repository, moved) = find(world, named).ok_or_else(Problem::not_found)?;
        let (permission, writes) = within.needs();
        let reached = match token {
            Some(token) => installation_of(world, token)?.covers(repository) && !token.excludes(repository.id),
            None => false,
        };
        if !reached && repository.private() {
            return Err(Problem::not_found());
        }
        if moved {
            return Err(Problem::moved(self.new_address(repository, request)));
        }
        let granted = token.filter(|_| reached).and_then(|token| token.permissions.get(permission)).map(String::as_str);
        match (granted, writes) {
            (Some("write" | "admin"), _) | (Some("read"), false) => {}
            (_, false) if !repository.private() => {}
            _ => return Err(Problem::lacks(permission, if writes { "write" } else { "read" })),
        }
        if writes && repository.archived {
            return Err(Problem::new(StatusCode::FORBIDDEN, "Repository was archived so is read-only."));
        }
        Ok(repository)
    }

    /// The same request by the repository's id, which no rename changes.
    fn new_address(&self, repository: &RepositoryRecord, request: &Request) -> String {
        let path = request.path.strip_prefix(self.settings.path_prefix.as_str()).unwrap_or_default();
        let rest: String = path.split('/').skip(4).fold(String::new(), |rest, part| rest + "/" + part);
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}/repositories/{}{rest}{query}", self.addresses().api, repository.id)
    }
}

fn find<'a>(world: &'a World, named: Named<'_>) -> Option<(&'a RepositoryRecord, bool)> {
    match named {
        Named::Id(id) => world.repositories.get(&id).map(|repository| (repository, false)),
        Named::Name { owner, name } => match world.look_up(owner, name)? {
            Lookup::Here(repository) => Some((repository, false)),
            Lookup::Moved(repository) => Some((repository, true)),
        },
    }
}

impl Ask<'_> {
    /// The API's address of the repository.
    pub(crate) fn url(&self) -> String {
        self.state.addresses().repository(self.world, self.repository)
    }

    /// The address of the repository's pages for people.
    pub(crate) fn html(&self) -> String {
        format!("{}/{}", self.state.addresses().html, self.world.full_name(self.repository))
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.request.query.as_deref()
    }

    /// The request's body, which must be a JSON object.
    pub(crate) fn object(&self) -> Result<Value, Problem> {
        match serde_json::from_slice(&self.request.body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            _ => Err(Problem::bad_json()),
        }
    }

    /// A page of a list, with its `Link` header.
    pub(crate) fn paged(&self, all: &[Value]) -> Reply {
        let page = super::page::Page::of(self.query());
        let reply = ok(&Value::Array(page.cut(all).to_vec()));
        let path = self.request.path.strip_prefix(self.state.settings.path_prefix.as_str()).unwrap_or_default();
        debug_assert_eq!(self.request.method, Method::GET);
        match page.links(&format!("{}{path}", self.state.addresses().api), self.query(), all.len()) {
            Some(links) => reply.with_text("link", &links),
            None => reply,
        }
    }
}
