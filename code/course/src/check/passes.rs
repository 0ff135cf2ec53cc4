//! What the operator's log says of its passes.

use super::{Arena, Failure};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use postgres_operator::{api::Database, error::chain};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Changing it leads to a pass, and to nothing else.
const POKE: &str = "course.example.com/poke";
/// Long enough for a pass over what was annotated.
const LOOKS_WITHIN: Duration = Duration::from_secs(30);

/// A pass over a Database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    /// When it began.
    pub(crate) began: Timestamp,
    /// When it ended.
    pub(crate) at: Timestamp,
    /// The Database's namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) database: String,
}

impl Pass {
    /// Reads a line of the log.
    pub(super) fn of(line: &str) -> Option<Self> {
        // Most lines of a log are of something else.
        line.contains("\"reconciled\"").then_some(())?;
        let entry: Value = serde_json::from_str(line).ok()?;
        (entry["message"] == "reconciled").then_some(())?;
        let span = &entry["span"];
        let text = |key: &str| span[key].as_str().map(str::to_owned);
        let at: Timestamp = entry["timestamp"].as_str()?.parse().ok()?;
        let took =
            entry["duration_ms"].as_str().and_then(|text| text.parse().ok()).map(Duration::from_millis);
        let began = at - took.unwrap_or_default();
        Some(Self { began, at, namespace: text("namespace")?, database: text("database")? })
    }

    /// Whether it is one over this Database.
    pub(crate) fn is_over(&self, namespace: &str, database: &str) -> bool {
        self.namespace == namespace && self.database == database
    }
}

/// The times between passes.
pub(crate) fn gaps(passes: &[Timestamp]) -> Vec<Duration> {
    let gap = |pair: &[Timestamp]| Duration::try_from(pair[1].duration_since(pair[0])).unwrap_or_default();
    passes.windows(2).map(gap).collect()
}

impl Arena {
    /// How many passes there have been so far: a mark for [`Self::passes_since`].
    pub(crate) fn passes(&self) -> usize {
        self.operator.log().passes(<[Pass]>::len)
    }

    /// The passes that came after a mark, in their order.
    pub(crate) fn passes_since(&self, mark: usize) -> Vec<Pass> {
        self.operator.log().passes(|passes| passes.iter().skip(mark).cloned().collect())
    }

    /// When the passes over a Database of this namespace ended that came after a mark.
    pub(crate) fn times_of(&self, name: &str, mark: usize) -> Vec<Timestamp> {
        let over = |pass: &&Pass| pass.is_over(&self.namespace, name);
        self.operator
            .log()
            .passes(|passes| passes.iter().skip(mark).filter(over).map(|pass| pass.at).collect())
    }

    /// Waits until there has been no pass for so long, with the patience that the cluster needs.
    pub(crate) async fn rests(&self, quiet: Duration, within: Duration) -> Result<(), Failure> {
        let within = self.patience(within);
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
        let over = |passes: &[Pass]| passes.iter().skip(mark).any(|pass| pass.is_over(namespace, name));
        loop {
            tick.tick().await;
            if self.operator.log().passes(over) {
                return Ok(started.elapsed());
            }
            if started.elapsed() > within {
                let expected = format!("a pass over {name} within {} s of {after}", within.as_secs());
                return Err(Failure::new(expected, "there was none"));
            }
        }
    }

    /// Changes something about a Database that asks for a pass and for no work.
    pub(crate) async fn poke(&self, name: &str, text: &str) -> Result<(), Failure> {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {POKE: text}}}));
        let poked = self.api::<Database>().patch_metadata(name, &PatchParams::default(), &patch).await;
        poked
            .map(drop)
            .map_err(|error| Failure::new(format!("Database {name} can be annotated"), chain(&error)))
    }

    /// Makes the operator look at a Database so many times more.
    pub(crate) async fn look_again(&self, name: &str, times: usize) -> Result<(), Failure> {
        for _ in 0..times {
            let mark = self.passes();
            self.poke(name, &format!("after {mark} passes")).await?;
            self.pass_over(mark, (&self.namespace, name), LOOKS_WITHIN, "a change of its annotation").await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_read_from_the_span_around_its_line() {
        let line = r#"{"timestamp":"2026-01-01T00:00:00.5Z","message":"reconciled","duration_ms":"200","span":{"database":"orders","namespace":"shop","name":"reconcile"}}"#;
        let pass = Pass::of(line).unwrap();
        assert!(pass.is_over("shop", "orders"));
        assert_eq!(pass.at, "2026-01-01T00:00:00.5Z".parse().unwrap());
        assert_eq!(pass.began, "2026-01-01T00:00:00.3Z".parse().unwrap());
        for other in
            [line.replace("reconciled", "written"), line.replace("database", "secret"), "reconciled".into()]
        {
            assert_eq!(Pass::of(&other), None, "{other}");
        }
    }

    #[test]
    fn gaps_are_between_one_pass_and_the_next() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!(gaps(&[at(10), at(11), at(13)]), [1, 2].map(Duration::from_secs));
        assert!(gaps(&[at(10)]).is_empty());
    }
}
