//! Every link of a document within this repository leads to a file, and to a heading of it where it names one.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// Folders without documents of ours.
const FOREIGN: [&str; 3] = ["target", "node_modules", "vendor"];

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) {
                documents(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The lines that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Where the links of a line lead: `](TARGET)`, outside of code.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').step_by(2).flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next())
}

/// The name by which a link finds a heading, as GitHub makes it.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The names of all headings; one that comes again has a number behind it.
fn anchors(text: &str) -> HashSet<String> {
    let mut anchors = HashSet::new();
    for line in prose(text).filter(|line| line.starts_with('#')) {
        // A link in a heading counts by its text.
        let heading = line.trim_start_matches('#').split("](").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
        let first = slug(&heading.collect::<String>());
        let name = (0..1000).map(|n| if n == 0 { first.clone() } else { format!("{first}-{n}") }).find(|name| !anchors.contains(name));
        anchors.extend(name);
    }
    anchors
}

/// What is wrong with a link, if anything.
fn fault(document: &Path, text: &str, target: &str) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { document.to_owned() } else { document.parent().unwrap().join(file) };
    if !path.exists() {
        return Some("leads nowhere");
    }
    let linked = if file.is_empty() { text.to_owned() } else { anchor.map(|_| fs::read_to_string(&path).unwrap()).unwrap_or_default() };
    (anchor.is_some_and(|anchor| !anchors(&linked).contains(anchor))).then_some("names a heading that is not there")
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let (mut found, mut links, mut faults) = (Vec::new(), 0, Vec::new());
    documents(&root, &mut found);
    for document in &found {
        let text = fs::read_to_string(document).unwrap();
        for target in prose(&text).flat_map(targets) {
            links += 1;
            faults.extend(fault(document, &text, target).map(|why| format!("{}: {target} {why}", document.strip_prefix(&root).unwrap().display())));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(found.len() > 60 && links > 300, "{} documents, {links} links", found.len());
}

#[test]
fn a_link_that_leads_nowhere_is_noticed() {
    let text = "# One `thing`: [a](b.md)\n## One\n## One\n[x](#one-1) `[y](z.md)`\n```\n[q](r.md)\n```\n";
    let document = &Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    assert_eq!(prose(text).flat_map(targets).collect::<Vec<_>>(), ["b.md", "#one-1"]);
    assert_eq!(fault(document, text, "#one-1"), None);
    assert_eq!(fault(document, text, "#one-2"), Some("names a heading that is not there"));
    assert_eq!(fault(document, text, "nowhere.md"), Some("leads nowhere"));
    assert_eq!(fault(document, text, "https://example.com/#x"), None);
}
