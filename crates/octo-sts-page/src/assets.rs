//! The page's files, as they are served.

/// One file of the page.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without a folder.
    pub name: &'static str,
    /// What `Content-Type` says.
    pub media_type: &'static str,
    /// Its text, or its module.
    pub bytes: &'static [u8],
    /// The same by Brotli (RFC 7932), where it is worth it.
    pub brotli: Option<&'static [u8]>,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The page itself. `{domain}`, `{service}` and `{files}` in it stand for what only the service knows.
pub const PAGE: &str = include_str!("../assets/index.html");

/// Everything the page fetches.
pub static FILES: [File; 7] = [
    File {
        name: "engine.wasm",
        media_type: "application/wasm",
        bytes: include_bytes!("../assets/engine.wasm"),
        brotli: Some(include_bytes!("../assets/engine.wasm.br")),
    },
    text("engine.js", SCRIPT, include_bytes!("../assets/engine.js")),
    text("page.js", SCRIPT, include_bytes!("../assets/page.js")),
    text("view.js", SCRIPT, include_bytes!("../assets/view.js")),
    text("page.css", "text/css; charset=utf-8", include_bytes!("../assets/page.css")),
    text("examples.json", "application/json", include_bytes!("../assets/examples.json")),
    text("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
];

const fn text(name: &'static str, media_type: &'static str, bytes: &'static [u8]) -> File {
    File { name, media_type, bytes, brotli: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_file_and_no_other() {
        let mut named: Vec<_> = PAGE.split("{files}/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        named.sort_unstable();
        named.dedup();
        let mut files: Vec<_> = FILES.iter().map(|file| file.name).collect();
        files.sort_unstable();
        assert_eq!(named, files);
    }

    #[test]
    fn the_whole_is_smaller_than_a_mebibyte() {
        let whole = PAGE.len() + FILES.iter().map(|file| file.bytes.len()).sum::<usize>();
        assert!(whole < 1 << 20, "{whole} bytes");
    }

    /// The page's own content security policy refuses scripts and styles that stand in it, and other origins.
    #[test]
    fn nothing_in_the_page_needs_a_looser_policy() {
        assert_eq!(PAGE.matches("<script").count(), PAGE.matches(r#"<script type="module" src="{files}/"#).count());
        for never in ["<style", " style=", " onclick=", " onload=", "javascript:", "src=\"http", "href=\"http", "<form", "<base"] {
            assert!(!PAGE.contains(never), "Input: {never}");
        }
    }
}
