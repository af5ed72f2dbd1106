//! The reference page of all variables, written from the flags themselves.

use std::fmt::Write as _;

use clap::{Arg, Args as _};

use super::ServeArgs;

/// What stands above the tables.
const HEAD: &str = "# Configuration of `octo-sts serve`

Every setting is an environment variable and a flag; the flag wins. An empty variable counts as not set, except where its
row says otherwise. Durations are written as `90s`, `5m` or `1h30m`, truth values as `true` and `false`, lists with commas.
This page is generated: `UPDATE_GENERATED=1 cargo test -p octo-sts-server --test configuration`.

`SSL_CERT_FILE` and `SSL_CERT_DIR` name the certificate authorities for every outbound connection; `RUST_LOG` sets the
detail of the log, such as `info` or `octo_sts_exchange=debug`. The `OTEL_*` variables of OpenTelemetry are in
[observability](observability.md#traces-and-logs-by-opentelemetry).
";

/// The page, as Markdown.
pub fn reference() -> String {
    let command = ServeArgs::augment_args(clap::Command::new("serve"));
    let (mut page, mut heading) = (HEAD.to_owned(), None);
    for argument in command.get_arguments() {
        if argument.get_help_heading() != heading {
            heading = argument.get_help_heading();
            let title = heading.unwrap_or_default();
            _ = write!(page, "\n## {title}\n\n| Variable | Flag | Default | Meaning |\n|---|---|---|---|\n");
        }
        page.push_str(&row(argument));
    }
    page
}

fn row(argument: &Arg) -> String {
    let name = argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let flag = argument.get_long().unwrap_or_default();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let (meaning, default) = help.split_once(". Default: ").unwrap_or((help.as_str(), ""));
    format!("| `{name}` | `--{flag}` | {default} | {} |\n", meaning.replace('|', "\\|"))
}
