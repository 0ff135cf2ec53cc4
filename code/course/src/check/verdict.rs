//! How a check ended.

use super::Check;
use serde::Serialize;
use std::{path::PathBuf, time::Duration};

/// A promise that was not kept.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    /// What should have been.
    pub(crate) expected: String,
    /// What was.
    pub(crate) seen: String,
    /// What lies around it.
    #[serde(flatten)]
    pub(crate) evidence: Box<Evidence>,
}

/// What the cluster and the operator had to say at the moment of failure.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Evidence {
    /// The objects, a line each.
    pub(crate) objects: Vec<String>,
    /// Their events, newest last.
    pub(crate) events: Vec<String>,
    /// What the last pass that panicked said, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) panic: Option<String>,
    /// The operator's last lines that are not routine.
    pub(crate) log: Vec<String>,
    /// Where all of them are.
    pub(crate) log_file: String,
    /// The timeline of a case that has one of its own.
    #[serde(skip)]
    pub(crate) timeline: Option<PathBuf>,
}

/// What is expected before a check begins.
pub(super) const STAGE: &str = "a namespace with an operator in it";
/// What is expected for as long as it goes on.
pub(super) const ALIVE: &str = "the operator keeps running";

impl Failure {
    /// Whether it says nothing of the promise: the operator did not start, or ended.
    pub(crate) fn is_of_the_operator_itself(&self) -> bool {
        self.expected == STAGE || self.expected == ALIVE
    }

    /// What was expected and what was seen.
    pub(crate) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into(), evidence: Box::default() }
    }

    /// With what lies around it.
    pub(crate) fn with_evidence(self, evidence: Evidence) -> Self {
        Self { evidence: Box::new(evidence), ..self }
    }
}

/// A check's result.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    /// The check's name.
    pub(crate) check: &'static str,
    /// Whether the promise was kept.
    pub(crate) passed: bool,
    /// How long it took.
    pub(crate) seconds: f64,
    /// What was measured on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) measured: Option<String>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    /// What the operator read and wrote, as text; a page for a browser is beside it.
    #[serde(skip)]
    pub(crate) timeline: Option<PathBuf>,
    /// Where to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<&'static str>,
}

impl Verdict {
    /// With what was measured or what went wrong. The timeline is that of the case that failed, if one did.
    pub(crate) fn new(check: &Check, result: Result<String, Failure>, took: Duration) -> Self {
        let (measured, failure) = match result {
            Ok(measured) => (Some(measured), None),
            Err(failure) => (None, Some(failure)),
        };
        Self {
            check: check.name,
            passed: failure.is_none(),
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
            measured,
            timeline: failure.as_ref().and_then(|failure| failure.evidence.timeline.clone()),
            hint: failure.is_some().then_some(check.hint),
            failure,
        }
    }

    pub(crate) fn passed(&self) -> bool {
        self.passed
    }
}
