//! Logs and metrics of this process.
//!
//! **No personal data in either, by construction.** A log line or label carries ids of recordings, requests and
//! runs, stable codes, counts and durations; never a phone number, name, account, call id, agent, address of a
//! caller, query string, header or body. Errors are logged by their code, and the texts of our errors hold no
//! input. Labels of metrics take only values from a fixed list in the code, never what a client sent.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Why logs or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter directives do not read.
    #[error("the log filter does not read: {0}")]
    Filter(#[from] ParseError),
    /// Something else in this process logs already.
    #[error("logging is set up already: {0}")]
    Logging(#[from] TryInitError),
    /// Something else in this process records metrics already.
    #[error("metrics are set up already: {0}")]
    Metrics(#[from] BuildError),
}

const QUIET: &str = "sqlx::postgres::notice=warn";

/// Sends this process's log to standard error. `filter`: a level such as `info`, or directives such as
/// `info,earwitness::purge=debug`. To be called once.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    // PostgreSQL tells at each start that what exists need not be made; whoever names the target hears it.
    let quiet = if filter.contains("sqlx::postgres") { String::new() } else { format!("{QUIET},") };
    let filter: EnvFilter = format!("{quiet}{filter}").parse()?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).finish().try_init()?,
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// Gives the filter back when [`init_logging`] would take it.
pub fn check_filter(filter: &str) -> Result<String, String> {
    let wrong = |_| "write a level (error, warn, info, debug, trace) or directives like info,earwitness::purge=debug";
    filter.parse::<EnvFilter>().map_err(wrong)?;
    Ok(filter.to_owned())
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Makes the recorder behind the macros of the crate `metrics`, for the whole process. To be called once.
    pub fn install() -> Result<Self, TelemetryError> {
        Ok(Self(PrometheusBuilder::new().install_recorder()?))
    }

    /// All metrics in the Prometheus text format 0.0.4.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || metrics::counter!("earwitness_purged_total").increment(3));
        assert!(metrics.render().contains("earwitness_purged_total 3"), "{}", metrics.render());
    }

    #[test]
    fn logging_is_set_up_once() {
        assert!(matches!(init_logging(LogFormat::Json, "info,=,"), Err(TelemetryError::Filter(_))));
        assert!(init_logging(LogFormat::Json, "info,earwitness=debug").is_ok());
        assert!(matches!(init_logging(LogFormat::Text, "info"), Err(TelemetryError::Logging(_))));
    }

    #[test]
    fn a_filter_that_does_not_read_is_refused() {
        assert_eq!(check_filter("warn,earwitness::purge=debug").as_deref(), Ok("warn,earwitness::purge=debug"));
        assert!(check_filter("earwitness=loud").is_err());
    }
}
