//! The reference page of the configuration is what the code says, and the command line shows no secret.

use std::{fs, path::Path};

use clap::{Args as _, Command};
use octo_sts_server::{ServeArgs, config};

#[test]
fn committed_reference_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = config::reference();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap_or_default(), page, "run `UPDATE_GENERATED=1 cargo test -p octo-sts-server --test configuration`");
}

#[test]
fn every_variable_has_a_flag_a_meaning_and_a_default() {
    let command = ServeArgs::augment_args(Command::new("serve"));
    assert!(command.get_arguments().count() > 30);
    for argument in command.get_arguments() {
        let help = argument.get_help().unwrap().to_string();
        assert!(argument.get_env().is_some() && argument.get_long().is_some(), "{}", argument.get_id());
        assert!(help.contains(". Default: "), "{}: {help}", argument.get_id());
    }
}

/// T-105
#[test]
fn help_shows_no_secret() {
    let command = ServeArgs::augment_args(Command::new("serve"));
    let secrets = ["APP_SECRET_CERTIFICATE_ENV_VAR", "GITHUB_WEBHOOK_SECRET", "STS_REDIS_URL", "EVENT_INGRESS_URI"];
    let hidden = command.get_arguments().filter(|argument| argument.is_hide_env_values_set()).count();
    assert_eq!(hidden, secrets.len());
}
