//! Log lines that name the trace they belong to.

use std::fmt;

use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Adds `trace_id` and `span_id` to what another format writes: as members of a JSON line, else behind the text.
pub(super) struct WithTrace<F>(pub(super) F);

impl<F, S, N> FormatEvent<S, N> for WithTrace<F>
where
    F: FormatEvent<S, N>,
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let current = Context::current();
        let span = current.span();
        let ids = span.span_context();
        if !ids.is_valid() {
            return self.0.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let (trace, span) = (ids.trace_id(), ids.span_id());
        match line.trim_end().strip_suffix('}') {
            Some(open) if open.starts_with('{') => writeln!(writer, r#"{open},"trace_id":"{trace}","span_id":"{span}"}}"#),
            _ => writeln!(writer, "{} trace_id={trace}", line.trim_end()),
        }
    }
}
