//! `octo-sts policy explain`: one token against one policy, clause by clause.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use anyhow::anyhow;
use octo_sts_policy::{Explanation, MatchContext, PolicyKind, TrustPolicy};
use octo_sts_types::{Clock as _, Scope, SystemClock};
use serde_json::json;

use super::{
    asked::{Asked, AskedArgs},
    exit,
    files::{self, Found},
    judge::{self, Judged},
    print,
    reading::{ReadingArgs, ServiceNameArgs},
    show,
};
use crate::command::{block_on, failure::Failure};

/// Arguments of `octo-sts policy explain`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The policy
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    asked: AskedArgs,
    /// What is asked for [default: the token's own repository, where it names one]
    #[arg(long, value_name = "OWNER/REPOSITORY")]
    scope: Option<Scope>,
    /// Check the signature, by the keys in the policy or else by those of the issuer. Nothing else needs the network
    #[arg(long, conflicts_with = "claims")]
    verify: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: ServiceNameArgs,
    #[command(flatten)]
    reading: ReadingArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let asked = args.asked.read().map_err(Failure::usage)?;
    let found = files::given(&args.policy);
    let kind = match &args.scope {
        Some(Scope::Owner(_)) => PolicyKind::Organization,
        _ => args.reading.kind(found.in_policy_repository),
    };
    let scope = args.scope.clone().unwrap_or_else(|| asked.own_scope(kind == PolicyKind::Organization));
    let policy = policy(args, &found, kind)?;
    let context = MatchContext { scope: &scope, default_audiences: &args.service.audiences() };
    let explanation = policy.explain(&asked.claims, &context);
    let genuine = if args.verify { Some(block_on(asked.verify(&policy))) } else { None };
    let told = Told { explanation: &explanation, policy: &policy, scope: &scope, asked: &asked, genuine: genuine.as_ref().map(Result::is_ok) };
    print(&if args.json { told.json() } else { told.text() })?;
    match genuine {
        Some(Err(failure)) => Err(failure),
        _ => Ok(exit(explanation.admitted)),
    }
}

/// The policy, or its errors as `check` shows them.
fn policy(args: &Args, found: &Found, kind: PolicyKind) -> Result<TrustPolicy, Failure> {
    let text = judge::open(&found.path).map_err(|why| Failure::usage(anyhow!("{}: {why}", found.path.display())))?;
    let options = args.reading.options(args.scope.as_ref().map(Scope::owner));
    TrustPolicy::parse(&text, kind, &options).map(|parsed| parsed.value).map_err(|errors| {
        let judged = Judged { path: found.path.display().to_string(), diagnostics: errors.errors().to_vec(), text };
        eprint!("{}", show::blocks(&judged, octo_sts_policy::diagnostics::render::Colour::Off));
        Failure::usage(anyhow!("the policy is not valid: it admits nobody"))
    })
}

/// What there is to say.
struct Told<'a> {
    explanation: &'a Explanation,
    policy: &'a TrustPolicy,
    scope: &'a Scope,
    asked: &'a Asked,
    /// What the issuer says, where it was asked.
    genuine: Option<bool>,
}

impl Told<'_> {
    fn text(&self) -> String {
        let mut text = self.explanation.to_string();
        let notes = [self.gives(), self.consent(), self.app(), self.genuineness(), self.end()];
        for note in notes.into_iter().flatten() {
            let _ = writeln!(text, "{note}");
        }
        text
    }

    fn gives(&self) -> Option<String> {
        let listed = self.policy.repositories().map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        let place = match (listed, self.scope) {
            (Some(names), _) => format!("{names} of {}", self.scope.owner()),
            (None, Scope::Repository(repository)) => repository.to_string(),
            (None, Scope::Owner(owner)) => format!("every repository of {owner} that the App can see"),
        };
        self.explanation.admitted.then(|| format!("It gives {} on {place}.", self.policy.permissions()))
    }

    fn consent(&self) -> Option<String> {
        let names: Vec<_> = self.policy.repositories_to_ask(self.scope).map(ToString::to_string).collect();
        (!names.is_empty()).then(|| format!("Each of {} has to consent, by its own policy of the same name or by delegation.", names.join(", ")))
    }

    fn app(&self) -> Option<String> {
        self.policy.app().map(|app| format!("Only an App named {} mints the token.", app.requirement()))
    }

    fn genuineness(&self) -> Option<String> {
        match self.genuine {
            Some(true) => Some("The token is genuine.".to_owned()),
            Some(false) => None,
            None => self.asked.is_token().then(|| "The token's signature was not checked; --verify asks the issuer.".to_owned()),
        }
    }

    fn end(&self) -> Option<String> {
        self.asked.ended(SystemClock.now()).map(|end| format!("The token ended at {end}: the service refuses it for that alone."))
    }

    fn json(&self) -> String {
        let Explanation { admitted, clauses, suggestions } = self.explanation;
        let told = json!({
            "admitted": admitted,
            "clauses": clauses,
            "suggestions": suggestions,
            "scope": self.scope.to_string(),
            "permissions": self.policy.permissions(),
            "repositories": self.policy.repositories().map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>()),
            "genuine": self.genuine,
            "ended": self.asked.ended(SystemClock.now()).map(|end| end.to_string()),
        });
        format!("{told:#}\n")
    }
}
