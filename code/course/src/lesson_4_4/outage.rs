//! What a list of times says about the delays between tries.

use crate::check::{self, Failure};
use fault_proxy::Request;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// Tries in a row at growing distances: this much farther apart at the end.
const GROWTH: f64 = 4.0;
/// Delays of this length tell chance from the noise of a busy machine.
pub(super) const TELLING: Duration = Duration::from_secs(6);
/// Objects that wait for the same delay are apart by more than this part of it.
const APART: f64 = 0.05;
/// Closer together are an event and its echo.
const ONE_TRY: Duration = Duration::from_millis(300);
/// A try may take several passes, which are closer together than this.
const ONE_PASS: Duration = Duration::from_millis(500);

/// When requests came for a resource and a name.
pub(super) fn times(requests: &[Request], resource: &str, name: &str) -> Vec<SystemTime> {
    let about = |request: &&Request| request.resource == resource && request.name.as_deref() == Some(name);
    let mut times: Vec<SystemTime> = requests.iter().filter(about).map(|request| request.at).collect();
    times.sort();
    times
}

/// The distances between tries.
pub(super) fn gaps(times: &[SystemTime]) -> Vec<Duration> {
    let distance = |pair: &[SystemTime]| pair[1].duration_since(pair[0]).unwrap_or_default();
    times.windows(2).map(distance).filter(|gap| *gap > ONE_TRY).collect()
}

/// The tries get farther apart, up to a longest delay.
pub(super) fn grow(gaps: &[Duration]) -> Result<(), Failure> {
    grow_by(GROWTH, gaps)
}

/// They get so many times farther apart.
pub(crate) fn grow_by(growth: f64, gaps: &[Duration]) -> Result<(), Failure> {
    let longest = gaps.iter().max().copied().unwrap_or_default();
    let first = gaps.first().copied().unwrap_or_default();
    if gaps.len() >= 3 && longest >= first.mul_f64(growth) {
        return Ok(());
    }
    Err(Failure::new("delays between tries that grow", told(gaps)))
}

/// Waits until the delays between passes over a Database say enough, or there are more passes than `most`. Returns how many there
/// are, and the delays. On a busy machine a delay may be longer than it was meant to be: the next one tells more.
pub(crate) async fn delays(
    within: Duration,
    expected: &str,
    most: usize,
    passes: impl Fn() -> Vec<Timestamp>,
    enough: impl Fn(&[Duration]) -> bool,
) -> Result<(usize, Vec<Duration>), Failure> {
    check::until(within, expected, async || {
        let passes = passes();
        let delays: Vec<Duration> = check::gaps(&passes).into_iter().filter(|gap| *gap > ONE_PASS).collect();
        if enough(&delays) || passes.len() > most { Ok((passes.len(), delays)) } else { Err(told(&delays)) }
    })
    .await
}

/// The first delay that is long enough to tell. By it objects are compared with each other: to one of them more may have happened
/// at first, and it has come to the same delay one try later.
pub(super) fn telling(gaps: &[Duration], at_least: Duration) -> Option<Duration> {
    gaps.iter().copied().find(|gap| *gap >= at_least)
}

/// Objects that wait for the same delay do not wait for the same time.
pub(super) fn drift_apart(delays: &[Duration]) -> Result<(), Failure> {
    let longest = delays.iter().max().copied().unwrap_or_default();
    let shortest = delays.iter().min().copied().unwrap_or_default();
    let spread = longest.saturating_sub(shortest);
    if spread > longest.mul_f64(APART) {
        return Ok(());
    }
    let expected = format!("delays of {} objects that differ by chance", delays.len());
    Err(Failure::new(expected, format!("they differ by {:.2} s: {}", spread.as_secs_f64(), told(delays))))
}

/// Delays in seconds, for people.
pub(super) fn told(gaps: &[Duration]) -> String {
    let seconds = gaps.iter().map(|gap| format!("{:.1}", gap.as_secs_f64()));
    format!("{} s", seconds.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(gaps: &[f64]) -> Vec<Duration> {
        gaps.iter().map(|gap| Duration::from_secs_f64(*gap)).collect()
    }

    #[test]
    fn delays_as_a_table() {
        for (gaps, expected) in [
            (seconds(&[1.0, 2.0, 4.0, 8.0]), true),
            (seconds(&[0.9, 1.7, 3.9]), true),
            (seconds(&[5.0, 5.0, 5.0, 5.0]), false),
            (seconds(&[1.0, 8.0]), false),
            (seconds(&[]), false),
        ] {
            assert_eq!(grow(&gaps).is_ok(), expected, "{}", told(&gaps));
        }
    }

    #[test]
    fn equal_delays_are_no_jitter() {
        for (delays, expected) in [
            (seconds(&[8.0, 8.1, 8.2]), false),
            (seconds(&[8.0, 7.0, 6.6]), true),
            (seconds(&[8.0]), false),
            (seconds(&[]), false),
        ] {
            assert_eq!(drift_apart(&delays).is_ok(), expected, "{}", told(&delays));
        }
    }

    #[test]
    fn the_first_long_delay_is_the_one_that_tells() {
        assert_eq!(telling(&seconds(&[1.0, 2.0, 4.0, 8.0, 16.0]), TELLING), Some(Duration::from_secs(8)));
        assert_eq!(telling(&seconds(&[1.0, 2.0]), TELLING), None);
    }

    #[test]
    fn an_echo_is_no_try() {
        let start = SystemTime::UNIX_EPOCH;
        let times = [0, 10, 1000, 3000].map(|at| start + Duration::from_millis(at));
        assert_eq!(gaps(&times).len(), 2);
    }
}
