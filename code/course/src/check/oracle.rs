//! What holds over the whole course of a case, whatever its fault: no panic, and no more passes than the way to the end takes.

use super::{Arena, Failure};
use postgres_operator::phase::Phase;
use std::time::Instant;

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
    /// (`needed`), one for each phase, a few, and those that come of their own accord.
    pub(crate) fn is_orderly(&self, since: Moment, needed: usize) -> Result<(), Failure> {
        if let Some(panic) = self.operator.log().line_with("panicked at") {
            return Err(Failure::new("no panic", panic));
        }
        let own = since.at.elapsed().as_secs() / self.requeue.as_secs();
        let most = needed + Phase::ALL.len() + MORE + usize::try_from(own).unwrap_or(usize::MAX);
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
