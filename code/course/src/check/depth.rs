//! How much a check tries, and how long it watches.

use std::time::Duration;

/// Time between two passes of an operator under check over an object to which nothing happens. A cluster has slower parts than a
/// sandbox.
const REQUEUE: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(2)];
/// An interval so long that no check sees its end.
pub(super) const NEVER: Duration = Duration::from_hours(1);
/// How long a steady state is watched in a cluster, where things happen now and then.
const STEADY: Duration = Duration::from_mins(1);

/// How much a check tries.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Seconds for which a steady state is watched. Default: 7 in the sandbox, 60 elsewhere
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=600))]
    steady: Option<u64>,

    /// Try a fault at a write or two of each resource, and not at every write
    #[arg(long)]
    pub(super) few_faults: bool,

    /// Whether a steady state is watched only for as long as proves something.
    #[arg(skip)]
    brief: bool,
}

impl Depth {
    /// What is enough to catch every broken operator.
    pub(crate) const PROOF: Self = Self { steady: None, few_faults: true, brief: true };

    /// How long a steady state is watched at a requeue interval. Three intervals are enough to catch a write on every pass; with
    /// less than two there may be no pass in it.
    pub(super) fn steady(self, here: bool) -> Result<Duration, String> {
        let requeue = requeue(here);
        match self.steady.map(Duration::from_secs) {
            Some(short) if short < 2 * requeue => Err(format!(
                "a steady state has to be watched for {} s at least here: an operator looks every {} s",
                2 * requeue.as_secs(),
                requeue.as_secs()
            )),
            Some(steady) => Ok(steady),
            None if here || self.brief => Ok(3 * requeue + Duration::from_secs(1)),
            None => Ok(STEADY),
        }
    }
}

/// The interval of an operator under check.
pub(super) fn requeue(here: bool) -> Duration {
    REQUEUE[usize::from(here)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_state_has_a_few_passes_in_it() {
        let depth = |steady, brief| Depth { steady, few_faults: false, brief };
        for (depth, here, expected) in [
            (depth(None, false), true, Some(7)),
            (depth(None, false), false, Some(60)),
            (depth(None, true), false, Some(31)),
            (depth(Some(5), false), true, Some(5)),
            (depth(Some(5), false), false, None),
            (depth(Some(300), true), true, Some(300)),
        ] {
            assert_eq!(depth.steady(here).ok().map(|it| it.as_secs()), expected, "{depth:?}, {here}");
        }
    }
}
