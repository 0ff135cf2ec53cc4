//! What a real server did when somebody last looked: a small file beside the code, since CI does not have one of each version.

use crate::{case::Case, runner::Report, runner::Verdict};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io, path::Path};

/// The results of a run against a real server.
#[derive(Debug, Deserialize, Serialize)]
pub struct Recorded {
    /// Name and version of the server.
    pub server: String,
    /// By group and case: `passed`, `failed`, `not before 1.25`.
    pub verdicts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Recorded {
    /// What was recorded when this was built.
    pub fn of_this_build() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("../recorded.json"))
    }

    /// What a run has shown.
    pub fn of(report: &Report) -> Self {
        let mut verdicts: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for ((group, case), verdict) in &report.verdicts {
            verdicts.entry(group.clone()).or_default().insert(case.clone(), verdict.word());
        }
        Self { server: format!("Kubernetes {}", report.server), verdicts }
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }

    /// What became of a case; nothing if it is younger than the recording.
    pub(crate) fn word(&self, case: &Case) -> Option<&str> {
        self.verdicts.get(case.group)?.get(&case.name()).map(String::as_str)
    }

    /// How many cases passed.
    pub(crate) fn passed(&self) -> usize {
        let words = self.verdicts.values().flat_map(BTreeMap::values);
        words.filter(|word| **word == Verdict::Passed.word()).count()
    }
}
