//! How a log line looks: one JSON object, or text that names the trace it belongs to.

use std::fmt::{self, Write as _};

use opentelemetry::{Context, trace::TraceContextExt as _};
use serde::Serialize;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// How long most lines are, in bytes.
const USUAL: usize = 1024;

/// Adds `trace_id` to the text that another format writes.
pub(super) struct WithTrace<F>(pub(super) F);

impl<F, S, N> FormatEvent<S, N> for WithTrace<F>
where
    F: FormatEvent<S, N>,
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some((trace, _)) = current_trace() else { return self.0.format_event(context, writer, event) };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{} trace_id={trace}", line.trim_end())
    }
}

/// One JSON object: `timestamp`, `level`, the fields of the event, `target`, and the ids of trace and span where there are
/// any. The members of tracing-subscriber's own format, for half of its work: its writer goes through four adaptors, and an
/// exchange is one line.
pub(super) struct Json {
    pub(super) traces: bool,
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line::begin()?;
        line.member("level", event.metadata().level().as_str());
        event.record(&mut line);
        line.member("target", event.metadata().target());
        if let Some((trace, span)) = self.traces.then(current_trace).flatten() {
            line.member("trace_id", &trace);
            line.member("span_id", &span);
        }
        writer.write_str(line.end()?)
    }
}

/// The ids of trace and span, in hexadecimal, where one is under way.
fn current_trace() -> Option<(String, String)> {
    let current = Context::current();
    let span = current.span();
    let ids = span.span_context();
    ids.is_valid().then(|| (ids.trace_id().to_string(), ids.span_id().to_string()))
}

/// A JSON object being written, member by member.
struct Line {
    json: Vec<u8>,
    /// What a value says of itself, before it is escaped.
    text: String,
    fault: bool,
}

impl Line {
    /// The object, with its `timestamp`.
    fn begin() -> Result<Self, fmt::Error> {
        let mut line = Self { json: Vec::with_capacity(USUAL), text: String::new(), fault: false };
        SystemTime.format_time(&mut Writer::new(&mut line.text))?;
        line.json.extend_from_slice(b"{\"timestamp\":");
        let now = std::mem::take(&mut line.text);
        line.value(&now);
        line.text = now;
        Ok(line)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.json.push(b',');
        self.value(name);
        self.json.push(b':');
        self.value(value);
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        self.fault |= serde_json::to_writer(&mut self.json, value).is_err();
    }

    /// What `value` says of itself, as text.
    fn said(&mut self, name: &str, value: fmt::Arguments<'_>) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        self.fault |= text.write_fmt(value).is_err();
        self.member(name, &text);
        self.text = text;
    }

    fn end(&mut self) -> Result<&str, fmt::Error> {
        self.json.extend_from_slice(b"}\n");
        if self.fault { Err(fmt::Error) } else { std::str::from_utf8(&self.json).map_err(|_| fmt::Error) }
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.said(field.name(), format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::{Value, json};
    use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn something_happens() {
        let nothing: Option<u64> = None;
        tracing::warn!(
            target: "octo_sts::exchange",
            text = "quote \" backslash \\ line\nescape \u{1b}[31m",
            shown = %"a\tb",
            debugged = ?("x", 1),
            signed = -7_i64,
            unsigned = u64::MAX,
            half = 0.5,
            nan = f64::NAN,
            yes = true,
            nothing,
            "what {} says", "\u{2028}it"
        );
    }

    /// The lines of both formats, their times apart.
    fn written(by: impl Fn(Kept) -> Box<dyn Subscriber + Send + Sync>) -> (String, Vec<Value>) {
        let kept = Kept::default();
        tracing::subscriber::with_default(by(kept.clone()), something_happens);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let values = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let values = values.map(|mut value| {
            assert!(value["timestamp"].as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok()), "Output: {value}");
            value["timestamp"] = json!(null);
            value
        });
        (text.clone(), values.collect())
    }

    /// T-105: whatever a value holds, its line is one line, and one object.
    #[test]
    fn a_line_holds_what_the_librarys_own_format_holds() {
        let (text, ours) = written(|kept| {
            let layer = tracing_subscriber::fmt::layer().with_writer(kept).event_format(Json { traces: true });
            Box::new(tracing_subscriber::registry().with(layer))
        });
        let (library, theirs) = written(|kept| {
            Box::new(tracing_subscriber::registry().with(tracing_subscriber::fmt::layer().with_writer(kept).json().flatten_event(true)))
        });
        assert_eq!(ours, theirs);
        assert_eq!(text.lines().count(), 1);
        let names = |line: &str| line.split('"').skip(1).step_by(2).filter(|text| ours[0].get(text).is_some()).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names(&text), names(&library), "in the same order");
    }
}
