//! Every shell block of the guides, page by page, as written.

use std::{fs, path::Path};

use super::demo::{Demo, text};

/// Before a block that cannot be run here; the reason follows.
const NOT_RUN: &str = "<!-- not run:";
/// Words for a shell that a block could hide behind.
const OTHER_SHELLS: [&str; 5] = ["```bash", "```sh", "```console", "```zsh", "```shell-session"];
/// Ends each page: a variable that holds `null` is an exchange that went wrong unseen.
const NO_NULL: &str = r#"
for name in OIDC_TOKEN REPLY_JSON ANSWER TOKEN GITHUB_TOKEN; do
  case "${!name-unset}" in null | "") echo "$name is empty or null" >&2; exit 1 ;; esac
done"#;

/// The blocks of a page that can be run, in one script; the number of them.
fn script(page: &str, name: &str) -> (String, usize) {
    let (mut script, mut blocks, mut before) = (String::new(), 0, "");
    let mut lines = page.lines().map(str::trim_start);
    while let Some(line) = lines.next() {
        assert!(!OTHER_SHELLS.contains(&line), "{name}: `{line}` would never be run: write ```shell");
        if line == "```shell" {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let reason = before.strip_prefix(NOT_RUN).map(|reason| reason.trim_end_matches("-->").trim());
            assert_ne!(reason, Some(""), "{name}: says not why a block is not run");
            if reason.is_none() {
                script.push_str(&block.join("\n"));
                script.push('\n');
                blocks += 1;
            }
        }
        before = line;
    }
    (script, blocks)
}

/// What is wrong with a run of a page.
fn complaint(demo: &Demo, script: &str) -> Option<String> {
    let output = demo.shell(&format!("{script}{NO_NULL}"), &[]);
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    let null = said.lines().any(|line| matches!(line.trim().trim_end_matches(','), "null" | "\"null\"") || line.contains(": null"));
    (!output.status.success() || null).then(|| format!("{}\n{said}{errors}", output.status))
}

#[test]
fn every_block_of_every_page_runs_as_written() {
    let (demo, docs) = (Demo::start(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs"));
    let (mut run, mut complaints) = (0, Vec::new());
    for folder in ["guides", "issuers"] {
        let mut pages: Vec<_> = fs::read_dir(docs.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        pages.sort();
        for page in pages {
            let name = format!("{folder}/{}", page.file_name().unwrap().to_string_lossy());
            let (script, blocks) = script(&fs::read_to_string(&page).unwrap(), &name);
            run += blocks;
            if blocks > 0 {
                complaints.extend(complaint(&demo, &script).map(|complaint| format!("{name}: {complaint}")));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(run >= 15, "only {run} blocks were run");
}

#[test]
fn a_page_with_a_mistake_is_found() {
    let demo = Demo::start();
    let page = "```shell\nTOKEN=$(jq -r .nothing <<<'{}')\n```\n";
    assert!(complaint(&demo, &script(page, "page").0).unwrap().contains("TOKEN is empty or null"));
    assert!(complaint(&demo, &script("```shell\nfalse\ntrue\n```\n", "page").0).is_some());
    assert!(complaint(&demo, &script("```shell\njq .a <<<'{}'\n```\n", "page").0).is_some());
    assert_eq!(complaint(&demo, &script("```shell\njq .a <<<'{\"a\":1}'\n```\n", "page").0), None);
    assert_eq!(script("<!-- not run: needs a cluster -->\n```shell\nfalse\n```\n", "page"), (String::new(), 0));
}
