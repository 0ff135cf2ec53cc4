//! The labs, and the operators that can stand in for each.

use crate::{check::Lesson, lesson_4_1, lesson_4_2, lesson_4_3, lesson_4_4};
use clap::Args;
use std::{fmt, str::FromStr};

/// A lab of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lab {
    /// 4.1: conditions and status.
    Conditions,
    /// 4.2: finalizers and cleanup.
    Finalizers,
    /// 4.3: watches and indexes.
    Watches,
    /// 4.4: phases.
    Phases,
}

impl FromStr for Lab {
    type Err = String;

    fn from_str(number: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|lab| lab.to_string() == number);
        let names = || Self::ALL.map(|lab| lab.to_string()).join(", ");
        found.ok_or_else(|| format!("there is no such lab; there are {}", names()))
    }
}

impl fmt::Display for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conditions => "4.1",
            Self::Finalizers => "4.2",
            Self::Watches => "4.3",
            Self::Phases => "4.4",
        })
    }
}

impl Lab {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 4] = [Self::Conditions, Self::Finalizers, Self::Watches, Self::Phases];

    /// What its checks are, and what proves them.
    pub(crate) fn lesson(self) -> &'static Lesson {
        match self {
            Self::Conditions => &lesson_4_1::LESSON,
            Self::Finalizers => &lesson_4_2::LESSON,
            Self::Watches => &lesson_4_3::LESSON,
            Self::Phases => &lesson_4_4::LESSON,
        }
    }

    /// A known-wrong operator by its name.
    pub(crate) fn broken_operator(self, name: String) -> Result<Target, String> {
        let names: Vec<&str> = self.lesson().broken.iter().map(|broken| broken.name).collect();
        if names.contains(&name.as_str()) {
            return Ok(Target::Broken(name));
        }
        Err(format!("lab {self} has no broken operator {name:?}; it has {}", names.join(", ")))
    }

    /// The folder below `labs/` and `solutions/`.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Conditions => "lab-4-1-conditions",
            Self::Finalizers => "lab-4-2-finalizers",
            Self::Watches => "lab-4-3-watches",
            Self::Phases => "lab-4-4-phases",
        }
    }
}

/// Which operator stands in for a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The reader's own.
    Lab,
    /// The solution.
    Solution,
    /// The complete operator.
    Operator,
    /// A known-wrong one.
    Broken(String),
    /// A known-wrong one that the reader has to diagnose.
    Unnamed {
        /// Its name, which is not shown.
        name: String,
        /// Its number in the gallery.
        number: usize,
    },
}

impl Target {
    /// The package to build.
    pub(crate) fn package(&self, lab: Lab) -> String {
        let topic = lab.folder().trim_start_matches("lab-");
        match self {
            Self::Lab => format!("lab-{topic}"),
            Self::Solution => format!("solution-{topic}"),
            Self::Operator => "postgres-operator".into(),
            Self::Broken(_) | Self::Unnamed { .. } => "broken".into(),
        }
    }

    /// Arguments that come before the operator's options.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Lab | Self::Solution => Vec::new(),
            Self::Operator => vec!["run".into()],
            Self::Broken(name) | Self::Unnamed { name, .. } => vec![name.clone()],
        }
    }

    /// For headings.
    pub(crate) fn title(&self, lab: Lab) -> String {
        match self {
            Self::Lab => format!("Lab {lab}, your operator"),
            Self::Solution => format!("Lab {lab}, solution"),
            Self::Operator => format!("Lab {lab}, complete operator"),
            Self::Broken(name) => format!("Lab {lab}, broken operator {name}"),
            Self::Unnamed { number, .. } => format!("Lab {lab}, broken operator {number}"),
        }
    }
}

/// Which operator: without an option, your own in labs/
#[derive(Args, Clone)]
pub(crate) struct Which {
    /// The solution instead of your own
    #[arg(long, group = "which")]
    solution: bool,

    /// The complete operator instead of your own
    #[arg(long, group = "which")]
    operator: bool,

    /// A known-wrong operator, to see the checks catch it
    #[arg(long, group = "which", value_name = "NAME")]
    broken: Option<String>,
}

impl Which {
    /// The operator that it stands for.
    pub(crate) fn target(self, lab: Lab) -> Result<Target, String> {
        match self {
            Self { broken: Some(name), .. } => lab.broken_operator(name),
            Self { operator: true, .. } => Ok(Target::Operator),
            Self { solution: true, .. } => Ok(Target::Solution),
            _ => Ok(Target::Lab),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_unknown_lab_is_refused_with_the_known_ones() {
        for number in ["5.1", "4", "conditions", ""] {
            let expected = "there is no such lab; there are 4.1, 4.2, 4.3, 4.4";
            assert_eq!(number.parse::<Lab>(), Err(expected.into()));
        }
        assert_eq!("4.1".parse(), Ok(Lab::Conditions));
    }

    /// What a file says, its anchors and its tests aside.
    fn said(path: &std::path::Path) -> String {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        text.lines().filter(|line| !line.trim_start().starts_with("// ANCHOR")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_given_is_the_same_in_a_lab_and_its_solution() {
        let mut given = 0;
        for lab in Lab::ALL {
            let [labs, solutions] = ["labs", "solutions"]
                .map(|folder| crate::package::root().join(folder).join(lab.folder()).join("src"));
            for file in std::fs::read_dir(&labs).unwrap().flatten() {
                let said_here = said(&file.path());
                if said_here.starts_with("//! Given:") {
                    given += 1;
                    let there = solutions.join(file.file_name());
                    assert_eq!(said_here.trim_end(), said(&there).trim_end(), "{}", there.display());
                }
            }
        }
        assert!(given >= 3, "watches, memory and a pass are given");
    }

    #[test]
    fn what_proves_a_lesson_names_its_own_checks() {
        for lab in Lab::ALL {
            let lesson = lab.lesson();
            let checks: BTreeSet<&str> = lesson.checks.iter().map(|check| check.name).collect();
            assert_eq!(checks.len(), lesson.checks.len(), "{lab}: two checks of one name");
            let named = lesson
                .broken
                .iter()
                .map(|broken| broken.fails)
                .chain(lesson.given.iter().chain(lesson.faults).copied());
            for check in named {
                assert!(checks.contains(check), "{lab}: there is no check {check}");
            }
        }
    }
}
