//! How much a check tries, and how long it watches.

use std::time::Duration;

/// Time between two passes of an operator under check over an object to which nothing happens. A cluster has slower parts than a
/// sandbox.
const REQUEUE: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(1)];
/// Without a write, or a pass, for so long nothing is under way: longer than the first delay after a failure.
const QUIET: [Duration; 2] = [Duration::from_secs(2), Duration::from_millis(1100)];
/// An interval so long that no check sees its end.
pub(super) const NEVER: Duration = Duration::from_hours(1);
/// How long a steady state is watched in a cluster, where things happen now and then.
const STEADY: Duration = Duration::from_mins(1);

/// The sandbox pulls no images, and starts its servers from a template: an operator that is wrong there is told so in a third of the time.
const HASTE: u32 = 3;
/// What takes no longer in a cluster has no shorter deadline in the sandbox.
const ANYWHERE: Duration = Duration::from_secs(15);

/// How much a check tries.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Seconds for which a steady state is watched. Default: 3 in the sandbox, 60 elsewhere
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    steady: Option<u64>,

    /// Try a fault at some writes of each resource, and not at every write
    #[arg(long)]
    pub(super) few_faults: bool,

    /// Leave out the checks of crashes, lost answers and outages, which take most of the time
    #[arg(long, conflicts_with = "few_faults")]
    pub(crate) no_faults: bool,

    /// Whether a steady state is watched only for as long as proves something.
    #[arg(skip)]
    brief: bool,
}

impl Depth {
    /// What is enough to catch every broken operator.
    pub(crate) const PROOF: Self = Self { steady: None, few_faults: true, no_faults: false, brief: true };

    /// As [`Self::PROOF`], in a quick one without the checks that are made of faults.
    pub(crate) fn proof(quick: bool) -> Self {
        Self { no_faults: quick, ..Self::PROOF }
    }

    /// How long a steady state is watched at a requeue interval. Two intervals are enough to catch a write on every pass; with
    /// less there may be no pass in it.
    pub(super) fn steady(self, here: bool) -> Result<Duration, String> {
        let requeue = requeue(here);
        match self.steady.map(Duration::from_secs) {
            Some(short) if short < 2 * requeue => Err(format!(
                "a steady state has to be watched for {} s at least here: an operator looks every {} s",
                2 * requeue.as_secs(),
                requeue.as_secs()
            )),
            Some(steady) => Ok(steady),
            None if here || self.brief => Ok(2 * requeue + Duration::from_secs(1)),
            None => Ok(STEADY),
        }
    }
}

/// The interval of an operator under check.
pub(super) fn requeue(here: bool) -> Duration {
    REQUEUE[usize::from(here)]
}

/// How long nothing has to happen before a check takes it for the end of something.
pub(super) fn quiet(here: bool) -> Duration {
    QUIET[usize::from(here)]
}

/// How long to wait for what may take `within` in a cluster.
pub(super) fn patience(here: bool, within: Duration) -> Duration {
    if here { within.min((within / HASTE).max(ANYWHERE)) } else { within }
}

/// The writes to try a fault at: all, or a few of them.
pub(crate) fn planned(resources: &[&str], only_few: bool, least: usize) -> Vec<usize> {
    if only_few { few(resources, least) } else { (0..resources.len()).collect() }
}

/// Some of many writes, which are given by their resources: the first and the last of each resource, for what is new there and what
/// depends on it, and as many of the others, spread evenly, as `least` asks for.
fn few(resources: &[&str], least: usize) -> Vec<usize> {
    let is_edge = |nth: &usize| {
        let (before, after) = (&resources[..*nth], &resources[nth + 1..]);
        !before.contains(&resources[*nth]) || !after.contains(&resources[*nth])
    };
    let (mut chosen, others): (Vec<usize>, Vec<usize>) = (0..resources.len()).partition(is_edge);
    let missing = least.saturating_sub(chosen.len()).min(others.len());
    chosen.extend((0..missing).map(|nth| others[nth * others.len() / missing]));
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_writes_are_of_every_resource_and_as_many_as_is_asked_for() {
        let writes = ["status", "database", "status", "status", "status", "service", "service", "status"];
        for (least, expected) in [
            (0, &[0, 1, 5, 6, 7][..]),
            (6, &[0, 1, 2, 5, 6, 7]),
            (7, &[0, 1, 2, 3, 5, 6, 7]),
            (9, &[0, 1, 2, 3, 4, 5, 6, 7]),
        ] {
            assert_eq!(few(&writes, least), expected, "{least}");
        }
        assert!(few(&[], 5).is_empty());
    }

    #[test]
    fn the_sandbox_is_given_less_time_and_never_too_little() {
        for (within, here, expected) in
            [(90, false, 90), (90, true, 30), (20, true, 15), (2, true, 2), (2, false, 2)]
        {
            assert_eq!(patience(here, Duration::from_secs(within)).as_secs(), expected, "{within} s, {here}");
        }
    }

    #[test]
    fn a_steady_state_has_a_few_passes_in_it() {
        let depth = |steady, brief| Depth { steady, few_faults: false, no_faults: false, brief };
        for (depth, here, expected) in [
            (depth(None, false), true, Some(3)),
            (depth(None, false), false, Some(60)),
            (depth(None, true), false, Some(21)),
            (depth(Some(1), false), true, None),
            (depth(Some(2), false), true, Some(2)),
            (depth(Some(5), false), false, None),
            (depth(Some(300), true), true, Some(300)),
        ] {
            assert_eq!(depth.steady(here).ok().map(|it| it.as_secs()), expected, "{depth:?}, {here}");
        }
    }
}
