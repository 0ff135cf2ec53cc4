//! What the operator's log says of its passes.

use super::{Arena, Failure};
use serde_json::Value;
use std::time::{Duration, Instant};

/// A pass over a Database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    /// The Database's namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) database: String,
}

impl Pass {
    /// Reads a line of the log.
    pub(super) fn of(entry: &Value) -> Option<Self> {
        let span = &entry["span"];
        let text = |key: &str| span[key].as_str().map(str::to_owned);
        (entry["message"] == "reconciled").then_some(())?;
        Some(Self { namespace: text("namespace")?, database: text("database")? })
    }

    /// Whether it is one over this Database.
    pub(crate) fn is_over(&self, namespace: &str, database: &str) -> bool {
        self.namespace == namespace && self.database == database
    }
}

impl Arena {
    /// All passes so far, in their order.
    pub(crate) fn all_passes(&self) -> Vec<Pass> {
        self.operator.all_passes()
    }

    /// Waits until there has been no pass for so long.
    pub(crate) async fn rests(&self, quiet: Duration, within: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + within;
        let (mut seen, mut since) = (self.passes(), Instant::now());
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while since.elapsed() < quiet {
            tick.tick().await;
            let now = self.passes();
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            if Instant::now() > deadline {
                let expected =
                    format!("{:.1} s without a pass within {} s", quiet.as_secs_f64(), within.as_secs());
                return Err(Failure::new(expected, format!("{seen} passes so far, and more every moment")));
            }
        }
        Ok(())
    }

    /// Waits for a pass over a Database that comes after the first `mark` ones. Returns how long it took.
    pub(crate) async fn pass_over(
        &self,
        mark: usize,
        (namespace, name): (&str, &str),
        within: Duration,
        after: &str,
    ) -> Result<Duration, Failure> {
        let started = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            if self.all_passes().iter().skip(mark).any(|pass| pass.is_over(namespace, name)) {
                return Ok(started.elapsed());
            }
            if started.elapsed() > within {
                let expected = format!("a pass over {name} within {} s of {after}", within.as_secs());
                return Err(Failure::new(expected, "there was none"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_read_from_the_span_around_its_line() {
        let line =
            r#"{"message":"reconciled","span":{"database":"orders","namespace":"shop","name":"reconcile"}}"#;
        let pass = Pass::of(&serde_json::from_str(line).unwrap());
        assert!(pass.is_some_and(|pass| pass.is_over("shop", "orders")));
        let other = r#"{"message":"written","span":{"database":"orders","namespace":"shop"}}"#;
        assert_eq!(Pass::of(&serde_json::from_str(other).unwrap()), None);
    }
}
