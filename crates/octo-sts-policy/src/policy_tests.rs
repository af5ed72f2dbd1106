//! Cases beside a policy: `NAME.sts.test.yaml` says which tokens `NAME.sts.yaml` is to admit, and which not.
//!
//! ```yaml
//! scope: acme/app            # asked for; a case may have its own
//! cases:
//!   - name: main may deploy  # optional
//!     claims: {iss: https://token.actions.githubusercontent.com, sub: 'repo:acme/app:ref:refs/heads/main', aud: octo-sts.dev}
//!     expect: allow
//!   - claims: {iss: https://token.actions.githubusercontent.com, sub: 'repo:acme/app:pull_request', aud: octo-sts.dev}
//!     expect: refuse
//!     why: subject           # optional: issuer, subject, audience, or the name of a claim
//! ```

use octo_sts_types::{ClaimSet, Scope};
use serde_json::{Map, Number, Value as Json};

use crate::{
    Diagnostics, MatchContext, Mismatch, Parsed, Span, TrustPolicy,
    diagnostics::{Code, Reporter},
    fields::{self, Fields},
    yaml::{self, Node, Plain, Value},
};

/// The fields of the file, and of a case.
const FIELDS: &[&str] = &["scope", "cases"];
const CASE_FIELDS: &[&str] = &["name", "scope", "claims", "expect", "why"];

/// Cases for one policy: at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyTests {
    cases: Vec<PolicyTest>,
}

/// One token, and what is to become of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyTest {
    /// As written, or `case N`.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    scope: Option<Scope>,
    claims: ClaimSet,
    expected: Expected,
}

#[derive(Clone, Debug, PartialEq)]
enum Expected {
    Allow,
    /// For this reason, where one is given.
    Refuse(Option<String>),
}

/// How one case went.
#[derive(Clone, Debug, PartialEq)]
pub struct TestOutcome<'t> {
    /// The case.
    pub case: &'t PolicyTest,
    /// `Err`: what happened instead, in one sentence.
    pub result: Result<(), String>,
}

impl PolicyTests {
    /// Reads a file of cases, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Parsed<Self>, Diagnostics> {
        let mut reporter = Reporter::new(text);
        let tests = read(&mut reporter);
        reporter.finish(tests)
    }

    /// Runs every case against a policy. `scope` is asked for where neither file nor case names one.
    pub fn run(&self, policy: &TrustPolicy, scope: &Scope, default_audiences: &[String]) -> Vec<TestOutcome<'_>> {
        self.cases.iter().map(|case| case.run(policy, scope, default_audiences)).collect()
    }
}

impl PolicyTest {
    fn run(&self, policy: &TrustPolicy, scope: &Scope, default_audiences: &[String]) -> TestOutcome<'_> {
        let context = MatchContext { scope: self.scope.as_ref().unwrap_or(scope), default_audiences };
        let mismatch = policy.admits(&self.claims, &context).err();
        TestOutcome { case: self, result: self.check(mismatch.as_ref()) }
    }

    fn check(&self, mismatch: Option<&Mismatch>) -> Result<(), String> {
        match (&self.expected, mismatch) {
            (Expected::Allow, None) | (Expected::Refuse(None), Some(_)) => Ok(()),
            (Expected::Allow, Some(mismatch)) => Err(format!("is refused: {mismatch}")),
            (Expected::Refuse(_), None) => Err("is admitted".to_owned()),
            (Expected::Refuse(Some(why)), Some(mismatch)) => {
                let reason = mismatch.claim().unwrap_or(mismatch.field().as_str());
                if why == reason { Ok(()) } else { Err(format!("is refused for another reason than `{why}`: {mismatch}")) }
            }
        }
    }
}

fn read(reporter: &mut Reporter<'_>) -> Option<PolicyTests> {
    let root = yaml::read(reporter)?;
    let fields = Fields::of(&root, FIELDS, reporter);
    let scope = scope(&fields, reporter);
    let nodes = match fields.value("cases") {
        Some(node) => fields::items(node, "`cases`", reporter)?,
        None => &[],
    };
    if nodes.is_empty() {
        reporter.report(Code::InvalidCase, 0..0, "There is no case.", "write `cases:` and a list".to_owned());
    }
    let cases = nodes.iter().enumerate().filter_map(|(at, node)| case(at, node, scope.as_ref(), reporter)).collect();
    Some(PolicyTests { cases })
}

fn scope(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> Option<Scope> {
    let text = fields.text("scope", reporter)?;
    let scope = text.text.parse();
    if let Err(error) = &scope {
        reporter.report(Code::InvalidCase, text.span, format!("This is no scope: {error}."), "write `OWNER` or `OWNER/REPOSITORY`".to_owned());
    }
    scope.ok()
}

fn case(at: usize, node: &Node, file_scope: Option<&Scope>, reporter: &mut Reporter<'_>) -> Option<PolicyTest> {
    let fields = Fields::of(node, CASE_FIELDS, reporter);
    let name = fields.text("name", reporter).map_or_else(|| format!("case {}", at + 1), |name| name.text.to_owned());
    let scope = scope(&fields, reporter).or_else(|| file_scope.cloned());
    let expected = expected(&fields, node, reporter);
    let claims = claims(&fields, node, reporter);
    Some(PolicyTest { name, span: reporter.span(node.span.clone()), scope, claims: claims?, expected: expected? })
}

fn expected(fields: &Fields<'_>, node: &Node, reporter: &mut Reporter<'_>) -> Option<Expected> {
    let why = fields.text("why", reporter);
    let expect = fields.text("expect", reporter);
    match (expect.as_ref().map(|expect| expect.text), why) {
        (Some("allow"), None) => return Some(Expected::Allow),
        (Some("refuse"), why) => return Some(Expected::Refuse(why.map(|why| why.text.to_owned()))),
        (Some("allow"), Some(why)) => {
            reporter.report(Code::InvalidCase, why.span, "`why` says why a token is refused.", "delete `why`, or write `expect: refuse`".to_owned());
        }
        _ => {
            let span = expect.map_or(node.span.start..node.span.start + 1, |expect| expect.span);
            let hint = "write `expect: allow` or `expect: refuse`".to_owned();
            reporter.report(Code::InvalidCase, span, "The case does not say what to expect.", hint);
        }
    }
    None
}

fn claims(fields: &Fields<'_>, node: &Node, reporter: &mut Reporter<'_>) -> Option<ClaimSet> {
    let span = fields.entry("claims").map_or(node.span.start..node.span.start + 1, |entry| entry.key_span.clone());
    let members = fields.value("claims").map(|node| fields::entries(node, "`claims`", reporter)).unwrap_or_default();
    let members: Map<_, _> = members.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect();
    match ClaimSet::from_members(members) {
        Ok(claims) => Some(claims),
        Err(error) => {
            let hint = "copy the claims of a token: `iss`, `sub`, `aud` and those that the policy requires".to_owned();
            reporter.report(Code::InvalidCase, span, format!("These are no claims: {error}."), hint);
            None
        }
    }
}

/// The JSON that a token would hold: what stands in quotes is text, and `true` and `12` are not.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::List(nodes) => nodes.iter().map(json).collect(),
        Value::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect::<Map<_, _>>().into(),
        Value::Text(text) => match yaml::plain(&text.text) {
            Plain::Boolean if text.plain => Json::Bool(text.text == "true"),
            Plain::Number if text.plain => text.text.parse::<Number>().map_or_else(|_| text.text.clone().into(), Json::Number),
            _ => text.text.clone().into(),
        },
    }
}
