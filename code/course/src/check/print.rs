//! Telling results: for a person line by line as they come, for a machine as one JSON document at the end.

use super::{Verdict, shown};
use crate::{
    cluster::Cluster,
    labs::{Lab, Target},
};
use serde_json::json;
use std::{io::IsTerminal, time::Duration};

/// What the operators of the checks read and wrote.
pub(super) fn timelines(verdicts: &[Verdict]) {
    for path in verdicts.iter().filter_map(|verdict| verdict.timeline.as_ref()) {
        println!("\n{}", std::fs::read_to_string(path).unwrap_or_default());
        println!("The same for a browser: {}", shown(&path.with_extension("html")));
    }
}

pub(super) struct Printer {
    json: bool,
    color: bool,
    context: String,
    version: String,
}

impl Printer {
    pub(super) fn new(json: bool, title: &str, cluster: &Cluster) -> Self {
        if !json {
            println!("{title}, on {cluster}\n");
        }
        let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, color, context: cluster.context.clone(), version: cluster.version.clone() }
    }

    pub(super) fn verdict(&self, verdict: &Verdict) {
        if self.json {
            return;
        }
        let mark = if verdict.passed { self.paint("32", "✓") } else { self.paint("31", "✗") };
        let measured = verdict.measured.as_deref().unwrap_or_default();
        println!(
            "{}",
            format!("  {mark} {:<28}{:>6.1} s  {measured}", verdict.check, verdict.seconds).trim_end()
        );
        let Some(failure) = &verdict.failure else { return };
        let line =
            |label: &str, text: &str| println!("      {} {text}", self.paint("2", &format!("{label:<9}")));
        line("expected", &failure.expected);
        line("seen", &failure.seen);
        failure.evidence.objects.iter().for_each(|object| line("object", object));
        failure.evidence.events.iter().for_each(|event| line("event", event));
        failure.evidence.panic.iter().for_each(|panic| line("panic", panic));
        failure.evidence.log.iter().for_each(|entry| line("log", entry));
        line("whole log", &failure.evidence.log_file);
        failure.evidence.timeline.iter().for_each(|path| line("timeline", &shown(path)));
        line("hint", verdict.hint.unwrap_or_default());
    }

    pub(super) fn end(&self, lab: Lab, target: &Target, verdicts: &[Verdict], took: Duration) {
        let passed = verdicts.iter().filter(|verdict| verdict.passed).count();
        let failed = verdicts.len() - passed;
        if self.json {
            let document = json!({
                "lab": lab.to_string(),
                "operator": target.package(lab),
                "arguments": target.arguments(),
                "context": self.context,
                "kubernetes": self.version,
                "seconds": took.as_secs_f64().round(),
                "passed": passed,
                "failed": failed,
                "checks": verdicts,
            });
            println!("{document:#}");
        } else {
            println!("\n{passed} passed, {failed} failed in {:.0} s", took.as_secs_f64());
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
