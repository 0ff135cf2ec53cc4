//! Logging with tracing: one span per pass, for a person or as JSON.

use std::io::IsTerminal;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How to log.
#[derive(Clone, Debug, clap::Args)]
pub struct LogOptions {
    /// Log for a person, or one JSON object a line
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Human)]
    pub log_format: LogFormat,

    /// What to log: a level, or levels by module, as in `info,kube_client=debug`
    #[arg(
        long,
        env = "LOG_LEVEL",
        default_value = "info,kube_runtime=warn,kube_client=off",
        value_name = "FILTER"
    )]
    pub log_level: Targets,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text.
    Human,
    /// JSON.
    Json,
}

/// Sets up logging to standard error for the whole process. Does nothing if it is set up already.
pub fn init(options: &LogOptions) {
    let layer = match options.log_format {
        LogFormat::Human => {
            let color = std::io::stderr().is_terminal();
            fmt::layer().with_writer(std::io::stderr).with_ansi(color).with_target(false).boxed()
        }
        LogFormat::Json => fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).boxed(),
    };
    let _ = tracing_subscriber::registry().with(layer.with_filter(options.log_level.clone())).try_init();
}
