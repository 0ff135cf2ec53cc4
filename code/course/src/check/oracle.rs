//! What holds over the whole course of a case, whatever its fault: no panic, and no more passes than the way to the end takes.

use super::{Arena, Failure};
use postgres_operator::{cleanup::LOOK_AGAIN, phase::Phase};
use std::time::{Duration, Instant};

/// Beyond one pass for each phase: a case may need a few to get over its fault.
const MORE: usize = 5;

/// A moment in an operator's life, the one at which its fault has fired for example.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    passes: usize,
    at: Instant,
}

impl Arena {
    /// This moment.
    pub(crate) fn moment(&self) -> Moment {
        Moment { passes: self.passes(), at: Instant::now() }
    }

    /// Fails if a pass has panicked, or if there have been too many since a moment: more than the whole way takes without a fault
    /// (`needed`), one for each phase, a few, and those that come with time.
    pub(crate) fn is_orderly(&self, since: Moment, needed: usize) -> Result<(), Failure> {
        if let Some(panic) = self.operator.log().line_with("panicked at") {
            return Err(Failure::new("no panic", panic));
        }
        let most = needed + Phase::ALL.len() + MORE + looks(since.at.elapsed(), self.requeue);
        match self.passes() - since.passes {
            passes if passes > most => {
                let expected =
                    format!("at most {most} passes from the fault to the end, as {needed} do without one");
                Err(Failure::new(expected, passes.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// How often an operator looks of its own accord: at its interval, and more often while it waits for pods to go. A busy cluster
/// makes it wait longer, and each of its events may wake it in between; a loop without a pause is a hundred times as fast.
fn looks(time: Duration, requeue: Duration) -> usize {
    let per = |interval: Duration| time.as_millis() / interval.as_millis().max(1);
    usize::try_from(per(requeue) + per(LOOK_AGAIN)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_longer_allows_more_looks() {
        for (seconds, expected) in [(0, 0), (1, 0), (2, 1), (10, 6), (60, 36)] {
            assert_eq!(looks(Duration::from_secs(seconds), Duration::from_secs(10)), expected, "{seconds} s");
        }
    }
}
