//! Which checks the reader's own operators have passed: kept in `.course/progress.json`, which git ignores.

use crate::{check::Verdict, labs::Lab, package};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The checks that passed the last time they ran, by lab.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    passed: BTreeMap<String, BTreeSet<String>>,
}

impl Progress {
    /// What is known. A file that is missing or damaged is no progress, and no error: the next check writes it anew.
    pub(crate) fn load() -> Self {
        let text = std::fs::read_to_string(file()).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Whether a check passed the last time.
    pub(crate) fn has(&self, lab: Lab, check: &str) -> bool {
        self.passed.get(&lab.to_string()).is_some_and(|checks| checks.contains(check))
    }

    /// The first lab with a check that has not passed, and that check.
    pub(crate) fn next(&self) -> Option<(Lab, &'static str)> {
        Lab::ALL.into_iter().find_map(|lab| {
            let missing = lab.lesson().checks.iter().find(|check| !self.has(lab, check.name))?;
            Some((lab, missing.name))
        })
    }

    /// Notes how a run of the reader's own operator ended.
    pub(crate) fn note(&mut self, lab: Lab, verdicts: &[Verdict]) {
        let passed = self.passed.entry(lab.to_string()).or_default();
        for verdict in verdicts {
            if verdict.passed {
                passed.insert(verdict.check.to_owned());
            } else {
                passed.remove(verdict.check);
            }
        }
    }

    /// Forgets a lab.
    pub(crate) fn forget(&mut self, lab: Lab) {
        self.passed.remove(&lab.to_string());
    }

    /// Writes it down.
    pub(crate) fn save(&self) -> Result<(), String> {
        let file = file();
        let written = std::fs::create_dir_all(folder())
            .and_then(|()| std::fs::write(&file, serde_json::to_string_pretty(self)?));
        written.map_err(|error| format!("cannot write {}: {error}", file.display()))
    }
}

/// The course's own folder in the repository.
pub(crate) fn folder() -> PathBuf {
    package::root().join(".course")
}

fn file() -> PathBuf {
    folder().join("progress.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn verdict(check: usize, passed: bool) -> Verdict {
        let check = &Lab::Conditions.lesson().checks[check];
        let result = if passed { Ok(String::new()) } else { Err(crate::check::Failure::new("a", "b")) };
        Verdict::new(check, result, Duration::ZERO)
    }

    #[test]
    fn the_last_run_of_a_check_counts() {
        let mut progress = Progress::default();
        let first = Lab::Conditions.lesson().checks[0].name;
        assert_eq!(progress.next(), Some((Lab::Conditions, first)));
        progress.note(Lab::Conditions, &[verdict(0, true), verdict(1, true)]);
        assert!(progress.has(Lab::Conditions, first));
        progress.note(Lab::Conditions, &[verdict(0, false)]);
        assert!(!progress.has(Lab::Conditions, first), "what broke since is not done");
        assert!(
            progress.has(Lab::Conditions, Lab::Conditions.lesson().checks[1].name),
            "what did not run stays"
        );
        progress.forget(Lab::Conditions);
        assert_eq!(progress.next(), Some((Lab::Conditions, first)));
    }
}
