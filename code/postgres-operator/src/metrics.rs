//! What the operator tells Prometheus. Names and units follow <https://prometheus.io/docs/practices/naming/>.

use crate::{api::Database, context::Context, error::Error, phase::Phase};
use kube::runtime::reflector::Store;
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

/// What is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    of: &'static str,
}

/// Where Databases stand.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct In {
    phase: String,
}

/// What is counted when Prometheus asks.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Servers and stores that are not asked for now because they did not answer.
    pub open_breakers: [(&'static str, usize); 2],
    /// Databases with news that no pass has begun to look at.
    pub waiting: usize,
    /// Databases whose last pass failed or found something in the way.
    pub retrying: usize,
    /// All Databases, by the phase that their status tells.
    pub phases: Vec<(Option<Phase>, usize)>,
}

impl Counts {
    /// As it is now.
    pub fn now(ctx: &Context) -> Self {
        let databases = ctx.databases.get().map(Store::state).unwrap_or_default();
        let phase = |db: &Database| db.status.as_ref().and_then(|status| status.phase);
        let count = |wanted| databases.iter().filter(|db| phase(db) == wanted).count();
        let phases = Phase::ALL.into_iter().map(Some).chain([None]);
        Self {
            open_breakers: [("server", ctx.logins.open_breakers()), ("store", ctx.stores.open_breakers())],
            waiting: ctx.caches.waiting.count(),
            retrying: ctx.backoff.retrying(),
            phases: phases.map(|phase| (phase, count(phase))).collect(),
        }
    }
}

/// All metrics of one operator.
pub struct Metrics {
    registry: Registry,
    passes: Family<Outcome, Counter>,
    errors: Family<Why, Counter>,
    seconds: Histogram,
    running: Gauge,
    waiting: Gauge,
    retrying: Gauge,
    databases: Family<In, Gauge>,
    open_breakers: Family<Of, Gauge>,
    /// Without a value until there is a backup: zero would be 1970.
    last_backup: Family<Vec<(String, String)>, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("postgres_operator"),
            passes: Family::default(),
            errors: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.001, 4.0, 8)),
            running: Gauge::default(),
            waiting: Gauge::default(),
            retrying: Gauge::default(),
            databases: Family::default(),
            open_breakers: Family::default(),
            last_backup: Family::default(),
        };
        let Self {
            registry,
            passes,
            errors,
            seconds,
            running,
            waiting,
            retrying,
            databases,
            open_breakers,
            last_backup,
        } = &mut metrics;
        registry.register("reconcile", "Passes, by how they ended", passes.clone());
        registry.register("reconcile_errors", "Passes that failed, by reason", errors.clone());
        registry.register_with_unit("reconcile", "Duration of a pass", Unit::Seconds, seconds.clone());
        registry.register("reconcile_running", "Passes under way", running.clone());
        registry.register(
            "reconcile_waiting",
            "Length of the queue: Databases with news that no pass has begun to look at",
            waiting.clone(),
        );
        registry.register(
            "reconcile_retrying",
            "Databases whose last pass failed or found something in the way",
            retrying.clone(),
        );
        registry.register("databases", "Databases, by phase", databases.clone());
        registry.register(
            "breakers_open",
            "Servers and stores that are not asked for now because they did not answer",
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
        self.last_backup.get_or_create(&Vec::new()).set(at.as_second());
    }

    /// In Prometheus' text format.
    pub fn text(&self, counts: &Counts) -> String {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting.set(number(counts.waiting));
        self.retrying.set(number(counts.retrying));
        for (of, open) in counts.open_breakers {
            self.open_breakers.get_or_create(&Of { of }).set(number(open));
        }
        for (phase, count) in &counts.phases {
            let phase = phase.map_or_else(|| "None".to_owned(), |phase| phase.to_string());
            self.databases.get_or_create(&In { phase }).set(number(*count));
        }
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
        let counts = Counts {
            open_breakers: [("server", 2), ("store", 1)],
            waiting: 4,
            retrying: 3,
            phases: vec![(Some(Phase::Ready), 5), (None, 1)],
        };
        let text = metrics.text(&counts);
        for line in [
            "postgres_operator_reconcile_total{outcome=\"ok\"} 1",
            "postgres_operator_reconcile_total{outcome=\"error\"} 1",
            "postgres_operator_reconcile_errors_total{reason=\"timeout\"} 1",
            "postgres_operator_reconcile_seconds_count 2",
            "postgres_operator_reconcile_running 0",
            "postgres_operator_reconcile_waiting 4",
            "postgres_operator_reconcile_retrying 3",
            "postgres_operator_databases{phase=\"Ready\"} 5",
            "postgres_operator_databases{phase=\"None\"} 1",
            "postgres_operator_breakers_open{of=\"server\"} 2",
            "postgres_operator_breakers_open{of=\"store\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn the_time_of_the_last_backup_is_told_when_there_is_one() {
        let metrics = Metrics::default();
        let told = |metrics: &Metrics| {
            let text = metrics.text(&Counts::default());
            let line =
                text.lines().find(|line| line.starts_with("postgres_operator_last_backup_timestamp_seconds"));
            line.map(str::to_owned)
        };
        assert_eq!(told(&metrics), None);
        metrics.backed_up(jiff::Timestamp::from_second(1_700_000_000).unwrap());
        let expected = "postgres_operator_last_backup_timestamp_seconds{} 1700000000";
        assert_eq!(told(&metrics).as_deref(), Some(expected));
    }
}
