//! A timeline for a terminal.

use super::{Entry, Lane, entries, seconds};
use crate::{log::WatchEvent, request::Request};
use std::fmt::Write as _;

/// A timeline as text: a line for each event (`<`), read and write (`>`), and below a write what it changed.
pub fn text(requests: &[Request], events: &[WatchEvent]) -> String {
    let entries = entries(requests, events);
    let widest = |column: fn(&Entry) -> &str| {
        entries.iter().map(|entry| column(entry).chars().count()).max().unwrap_or(0).min(40)
    };
    let (verb, resource, object) =
        (widest(|it| &it.verb), widest(|it| &it.resource), widest(|it| &it.object));
    let mut text = String::new();
    for entry in &entries {
        let mark = match entry.lane {
            Lane::Told => '<',
            Lane::Read => ' ',
            Lane::Written => '>',
        };
        let line = format!(
            "{:>9} {mark} {:verb$}  {:resource$}  {:object$}  {}{}",
            seconds(entry.at),
            entry.verb,
            entry.resource,
            entry.object,
            entry.outcome,
            remark(entry)
        );
        // A string takes every line.
        let _ = writeln!(text, "{}", line.trim_end());
        for change in &entry.changes {
            let _ = writeln!(text, "{:14}{change}", "");
        }
    }
    text
}

/// What is said of an entry after everything else.
fn remark(entry: &Entry) -> String {
    let again = match entry.times {
        1 => String::new(),
        times => format!("  ({times} times until {})", seconds(entry.until)),
    };
    let fault = entry.fault.as_ref().map(|fault| format!("  ! {fault}"));
    again + &fault.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::timeline::tests::example;

    #[test]
    fn a_timeline_is_a_table_with_the_changes_below_the_writes() {
        let (requests, events) = example();
        let expected = "    0.000   get       discovery                      200  (2 times until 0.010)
    0.020   watch     databases         shop         200
    0.100 < ADDED     databases         shop/orders  @7
    0.200   get       statefulsets      shop/orders  404
    0.300 > patch     statefulsets      shop/orders  200  ! lose the response
              ~ .spec.replicas 1 → 3
              + .spec.a \"<b>\"
              … and 2 more fields
    0.400 > patch     databases/status  shop/orders  409
    0.500 > patch     statefulsets      shop/orders  200, no change
    0.600   get       statefulsets      shop/orders  200
    0.650 < MODIFIED  databases         shop/orders  @7  ! dropped
    1.600   get       statefulsets      shop/orders  200  (2 times until 2.600)
    2.700 > delete    statefulsets      shop/orders  200
              the object is gone
";
        assert_eq!(super::text(&requests, &events), expected);
        assert_eq!(super::text(&[], &[]), "");
    }
}
