//! For people at a terminal: the line, what is underlined, and what to write.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet, renderer::DecorStyle};

use super::FileReport;
use crate::diagnostics::{Diagnostic, Severity};

/// Whether the output carries colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Escape sequences for terminals.
    On,
    /// Plain text.
    Off,
}

/// Each finding as a block, an empty line between two.
pub fn terminal(report: &FileReport<'_>, colour: Colour) -> String {
    let renderer = match colour {
        Colour::On => Renderer::styled(),
        Colour::Off => Renderer::plain(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let blocks: Vec<_> = report.diagnostics.iter().map(|diagnostic| block(&renderer, report, diagnostic)).collect();
    blocks.join("\n\n")
}

fn block(renderer: &Renderer, report: &FileReport<'_>, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let snippet = Snippet::source(report.text).path(report.path).annotation(AnnotationKind::Primary.span(diagnostic.span.bytes.clone()));
    let mut group = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.id()).element(snippet);
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    renderer.render(&[group])
}
