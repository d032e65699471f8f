use tracing::Level;
use tracing_subscriber::EnvFilter;

/// This program's own crates; what others log may hold statements and headers, and with them secrets.
const OWN: [&str; 6] =
    ["curfewd", "curfew_app", "curfew_aws", "curfew_http", "curfew_policy", "curfew_store"];

/// Begins to log JSON lines to standard output. The first call in a process counts.
pub(crate) fn begin(level: Level) {
    let logging = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter(level))
        .finish();
    // A program that embeds this one may log in its own way.
    let _ = tracing::subscriber::set_global_default(logging);
}

/// Others are heard when they warn.
fn filter(level: Level) -> EnvFilter {
    let others = if level == Level::ERROR { "error" } else { "warn" };
    let own = OWN.map(|name| format!("{name}={level}"));
    EnvFilter::new(format!("{others},{}", own.join(",")))
}
