//! What a list of times says about the delays between tries.

use crate::check::Failure;
use fault_proxy::Request;
use std::time::{Duration, SystemTime};

/// Tries in a row at growing distances: this much farther apart at the end.
const GROWTH: f64 = 4.0;
/// Delays of this length tell chance from the noise of a busy machine.
pub(super) const TELLING: Duration = Duration::from_secs(6);
/// Objects that wait for the same delay are apart by more than this part of it.
const APART: f64 = 0.05;
/// Closer together are an event and its echo.
const ONE_TRY: Duration = Duration::from_millis(300);

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

/// Objects that began to wait together do not try again together. Delays that are shorter than `telling` say nothing about that.
pub(super) fn drift_apart(objects: &[Vec<Duration>], telling: Duration) -> Result<(), Failure> {
    let tries = objects.iter().map(Vec::len).min().unwrap_or_default();
    let spreads = (0..tries).filter_map(|nth| {
        let delays = || objects.iter().map(|gaps| gaps[nth]);
        let (shortest, longest) = (delays().min()?, delays().max()?);
        (shortest >= telling).then(|| longest.saturating_sub(shortest).as_secs_f64() / longest.as_secs_f64())
    });
    match spreads.reduce(f64::max) {
        Some(spread) if spread > APART => Ok(()),
        spread => {
            let seen = spread.map_or("no delay that is long enough".to_owned(), |spread| {
                format!(
                    "they differ by {:.1} %: {}",
                    100.0 * spread,
                    objects.iter().map(|gaps| told(gaps)).collect::<Vec<_>>().join("; ")
                )
            });
            let expected = format!("delays of {} objects that differ by chance", objects.len());
            Err(Failure::new(expected, seen))
        }
    }
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
        let same = [seconds(&[1.0, 4.0, 8.0]), seconds(&[1.1, 4.1, 8.1]), seconds(&[1.0, 4.0, 8.2])];
        assert!(drift_apart(&same, TELLING).is_err());
        let apart = [seconds(&[1.0, 4.0, 8.0]), seconds(&[1.0, 3.6, 7.0]), seconds(&[1.0, 3.9, 6.6])];
        assert!(drift_apart(&apart, TELLING).is_ok());
        assert!(drift_apart(&[seconds(&[1.0]), seconds(&[0.8])], TELLING).is_err(), "too short to tell");
    }

    #[test]
    fn an_echo_is_no_try() {
        let start = SystemTime::UNIX_EPOCH;
        let times = [0, 10, 1000, 3000].map(|at| start + Duration::from_millis(at));
        assert_eq!(gaps(&times).len(), 2);
    }
}
