//! Which source the environment shows.

use std::path::Path;

use super::{KUBERNETES_FILE, Surroundings, TokenSource};

/// What a variable says about where this is.
struct Sign {
    variable: &'static str,
    source: fn() -> TokenSource,
}

/// Signs in the order in which they count. A CI job on a cloud's machine is that CI's, so CI systems come first.
const SIGNS: &[Sign] = &[
    Sign { variable: "OCTO_STS_ID_TOKEN", source: || TokenSource::Variable("OCTO_STS_ID_TOKEN".to_owned()) },
    Sign { variable: "GITHUB_ACTIONS", source: || TokenSource::GitHubActions },
    Sign { variable: "ACTIONS_ID_TOKEN_REQUEST_URL", source: || TokenSource::GitHubActions },
    Sign { variable: "GITLAB_CI", source: || TokenSource::GitLab },
    Sign { variable: "CIRCLECI", source: || TokenSource::CircleCi },
    Sign { variable: "BUILDKITE", source: || TokenSource::Buildkite },
    Sign { variable: "BITBUCKET_STEP_OIDC_TOKEN", source: || TokenSource::Variable("BITBUCKET_STEP_OIDC_TOKEN".to_owned()) },
    Sign { variable: "TFC_WORKLOAD_IDENTITY_TOKEN", source: || TokenSource::Variable("TFC_WORKLOAD_IDENTITY_TOKEN".to_owned()) },
    Sign { variable: "OCTO_STS_TOKEN_FILE", source: || TokenSource::Kubernetes },
    Sign { variable: "K_SERVICE", source: || TokenSource::Google },
    Sign { variable: "CLOUD_RUN_JOB", source: || TokenSource::Google },
    Sign { variable: "GCE_METADATA_HOST", source: || TokenSource::Google },
    Sign { variable: "AWS_LAMBDA_FUNCTION_NAME", source: || TokenSource::Aws },
    Sign { variable: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", source: || TokenSource::Aws },
    Sign { variable: "AWS_CONTAINER_CREDENTIALS_FULL_URI", source: || TokenSource::Aws },
    Sign { variable: "IDENTITY_ENDPOINT", source: || TokenSource::Azure },
];

pub(super) fn detect(surroundings: &Surroundings<'_>) -> Option<TokenSource> {
    let set = |variable: &str| (surroundings.variable)(variable).is_some_and(|value| !matches!(value.as_str(), "" | "false" | "0"));
    if (surroundings.exists)(Path::new(KUBERNETES_FILE)) && !set("OCTO_STS_ID_TOKEN") && !set("GITHUB_ACTIONS") && !set("GITLAB_CI") {
        return Some(TokenSource::Kubernetes);
    }
    SIGNS.iter().find(|sign| set(sign.variable)).map(|sign| (sign.source)())
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{http, variables},
        *,
    };

    fn found(pairs: &[(&str, &str)], projected: bool) -> Option<String> {
        let (http, variable) = (http(), variables(pairs));
        detect(&Surroundings { variable: &variable, exists: &|_| projected, http: &http }).map(|source| source.to_string())
    }

    #[test]
    fn the_environment_shows_where_this_is() {
        for (pairs, place) in [
            (&[("GITHUB_ACTIONS", "true"), ("AWS_LAMBDA_FUNCTION_NAME", "f")][..], Some("GitHub Actions")),
            (&[("GITLAB_CI", "true")], Some("GitLab CI")),
            (&[("CIRCLECI", "true")], Some("CircleCI")),
            (&[("BUILDKITE", "true")], Some("Buildkite")),
            (&[("BITBUCKET_STEP_OIDC_TOKEN", "a.b.c")], Some("the variable BITBUCKET_STEP_OIDC_TOKEN")),
            (&[("K_SERVICE", "s")], Some("Google Cloud")),
            (&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "u")], Some("AWS")),
            (&[("IDENTITY_ENDPOINT", "u")], Some("Azure")),
            (&[("OCTO_STS_ID_TOKEN", "a.b.c"), ("GITHUB_ACTIONS", "true")], Some("the variable OCTO_STS_ID_TOKEN")),
            (&[("GITHUB_ACTIONS", "false"), ("CIRCLECI", "")], None),
            (&[], None),
        ] {
            assert_eq!(found(pairs, false).as_deref(), place, "Variables: {pairs:?}");
        }
    }

    #[test]
    fn a_projected_token_counts_unless_a_ci_system_runs_in_the_cluster() {
        assert_eq!(found(&[("K_SERVICE", "s")], true).as_deref(), Some("Kubernetes"));
        assert_eq!(found(&[("GITLAB_CI", "true")], true).as_deref(), Some("GitLab CI"));
    }
}
