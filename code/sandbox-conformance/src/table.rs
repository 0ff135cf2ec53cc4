//! The results as text.

use crate::{case::Case, runner::Report, runner::Verdict};
use serde_json::{Value, json};
use std::fmt::Write;

/// The same for programs: an object a server, with a verdict and, where it failed, a message a case.
pub fn json(cases: &[Case], reports: &[Report]) -> String {
    let of_server = |report: &Report| {
        let results = cases.iter().map(|case| {
            let verdict = report.verdict(case);
            let message = match verdict {
                Some(Verdict::Failed(failure)) => Value::from(failure.to_string()),
                _ => Value::Null,
            };
            let word = verdict.map(Verdict::word);
            json!({"group": case.group, "case": case.name(), "verdict": word, "message": message})
        });
        let results: Vec<_> = results.collect();
        json!({"name": report.name, "server": report.server, "seconds": report.seconds, "results": results})
    };
    let servers: Vec<_> = reports.iter().map(of_server).collect();
    format!("{:#}\n", Value::from(servers))
}

/// One line a case with a column for each server, then the failures, then a summary of each server.
pub fn table(cases: &[Case], reports: &[Report]) -> String {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let group_width = width(&mut cases.iter().map(|case| case.group.len())).max("group".len());
    let name_width = width(&mut cases.iter().map(|case| case.name().len())).max("case".len());
    let mut text = String::new();
    let mut line = |group: &str, name: &str, verdicts: Vec<String>| {
        let mut line = format!("{group:<group_width$}  {name:<name_width$}");
        for word in verdicts {
            let _ = write!(line, "  {word:<17}");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line("group", "case", reports.iter().map(|report| report.name.clone()).collect());
    for case in cases {
        let word = |report: &Report| report.verdict(case).map(Verdict::word).unwrap_or_default();
        line(case.group, &case.name(), reports.iter().map(word).collect());
    }
    for report in reports {
        for (case, failure) in report.failures(cases) {
            let _ = writeln!(text, "\n{}: {}/{}\n  {failure}", report.name, case.group, case.name());
        }
    }
    for report in reports {
        let _ = write!(text, "\n{}", summary(cases, report));
    }
    text
}

/// How many cases came to what, in one line.
pub(crate) fn summary(cases: &[Case], report: &Report) -> String {
    let count = |wanted: fn(&Verdict) -> bool| {
        cases.iter().filter_map(|case| report.verdict(case)).filter(|verdict| wanted(verdict)).count()
    };
    format!(
        "{} ({}): {} of {} cases passed, {} failed, {} of a later Kubernetes, {} need more than this server has; {:.1} s\n",
        report.name,
        report.server,
        count(|verdict| *verdict == Verdict::Passed),
        cases.len(),
        count(|verdict| matches!(verdict, Verdict::Failed(_))),
        count(|verdict| matches!(verdict, Verdict::NotBefore(_))),
        count(|verdict| matches!(verdict, Verdict::Without(_))),
        report.seconds,
    )
}
