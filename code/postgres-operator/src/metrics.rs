//! What the operator tells Prometheus. Names and units follow <https://prometheus.io/docs/practices/naming/>.

use crate::error::Error;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::time::Duration;

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Why a pass failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    reason: &'static str,
}

/// All metrics of one operator.
pub struct Metrics {
    registry: Registry,
    passes: Family<Outcome, Counter>,
    errors: Family<Why, Counter>,
    seconds: Histogram,
    running: Gauge,
    open_breakers: Gauge,
    last_backup: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("postgres_operator"),
            passes: Family::default(),
            errors: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.001, 4.0, 8)),
            running: Gauge::default(),
            open_breakers: Gauge::default(),
            last_backup: Gauge::default(),
        };
        let Self { registry, passes, errors, seconds, running, open_breakers, last_backup } = &mut metrics;
        registry.register("reconcile", "Passes, by how they ended", passes.clone());
        registry.register("reconcile_errors", "Passes that failed, by reason", errors.clone());
        registry.register_with_unit("reconcile", "Duration of a pass", Unit::Seconds, seconds.clone());
        registry.register("reconcile_running", "Passes under way", running.clone());
        registry.register(
            "breakers_open",
            "Servers that are not asked for now because they did not answer",
            open_breakers.clone(),
        );
        registry.register_with_unit(
            "last_backup_timestamp",
            "When this process last finished a backup, in Unix time",
            Unit::Seconds,
            last_backup.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// A pass begins.
    pub fn begin(&self) {
        self.running.inc();
    }

    /// A pass has ended.
    pub fn end<T>(&self, result: &Result<T, Error>, took: Duration) {
        self.running.dec();
        self.seconds.observe(took.as_secs_f64());
        self.passes.get_or_create(&Outcome { outcome: outcome(result) }).inc();
        if let Err(error) = result {
            self.errors.get_or_create(&Why { reason: error.reason() }).inc();
        }
    }

    /// A backup is whole.
    pub fn backed_up(&self, at: jiff::Timestamp) {
        self.last_backup.set(at.as_second());
    }

    /// In Prometheus' text format.
    pub fn text(&self, open_breakers: usize) -> String {
        self.open_breakers.set(i64::try_from(open_breakers).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// How a pass ended, in one word: for metrics and for the log.
pub fn outcome<T>(result: &Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Error::Stale { .. }) => "stale",
        Err(_) => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_and_errors_are_counted_by_how_they_ended() {
        let metrics = Metrics::default();
        metrics.begin();
        metrics.end(&Ok(()), Duration::from_millis(3));
        metrics.begin();
        metrics.end::<()>(&Err(Error::Timeout(Duration::from_secs(1))), Duration::from_secs(1));
        let text = metrics.text(2);
        for line in [
            "postgres_operator_reconcile_total{outcome=\"ok\"} 1",
            "postgres_operator_reconcile_total{outcome=\"error\"} 1",
            "postgres_operator_reconcile_errors_total{reason=\"timeout\"} 1",
            "postgres_operator_reconcile_seconds_count 2",
            "postgres_operator_reconcile_running 0",
            "postgres_operator_breakers_open 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
