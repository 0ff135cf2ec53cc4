//! Runs cases against a server.

use crate::{
    arena::Arena,
    case::{Case, Failure, Needs, Outcome, Version},
    ledger::Ledger,
    target::{Target, Unusable},
};
use futures::{StreamExt, stream};
use rand::distr::{Alphanumeric, SampleString};
use std::{collections::BTreeMap, sync::Arc, time::Instant};
use tokio::time::timeout;

const AT_ONCE: usize = 8;

/// What became of a case on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server keeps the promise.
    Passed,
    /// It does not.
    Failed(Failure),
    /// The server is older than the feature; not run.
    NotBefore(Version),
    /// The server runs alone, and the case needs what is beside it; not run.
    Without(Needs),
}

impl Verdict {
    /// As a table shows it.
    pub fn word(&self) -> String {
        match self {
            Self::Passed => "passed".into(),
            Self::Failed(_) => "failed".into(),
            Self::NotBefore(version) => format!("not before {version}"),
            Self::Without(needs) => format!("needs {needs}"),
        }
    }
}

/// What became of all cases on a server.
pub struct Report {
    /// Name of the target.
    pub name: String,
    /// `v1.33.1`, for example.
    pub server: String,
    /// By group and name of the case.
    pub verdicts: BTreeMap<(String, String), Verdict>,
    /// Wall clock, seconds.
    pub seconds: f64,
}

impl Report {
    /// What became of a case.
    pub fn verdict(&self, case: &Case) -> Option<&Verdict> {
        self.verdicts.get(&(case.group.to_owned(), case.name()))
    }

    /// The failures, in the order of the cases.
    pub fn failures<'a>(&'a self, cases: &'a [Case]) -> impl Iterator<Item = (&'a Case, &'a Failure)> {
        cases.iter().filter_map(|case| match self.verdict(case) {
            Some(Verdict::Failed(failure)) => Some((case, failure)),
            _ => None,
        })
    }
}

/// A run of cases. What it makes on the server is removed by [`Run::sweep`], also after a run that was dropped half-way.
pub struct Run<'a> {
    target: &'a Target,
    name: String,
    ledger: Arc<Ledger>,
}

impl<'a> Run<'a> {
    /// Prepares a run; nothing is asked of the server yet.
    pub fn new(target: &'a Target) -> Self {
        let name = format!("r{}", Alphanumeric.sample_string(&mut rand::rng(), 6).to_lowercase());
        Self { target, name, ledger: Arc::default() }
    }

    /// Runs the cases, some at once.
    pub async fn cases(&self, cases: &[Case]) -> Result<Report, Unusable> {
        let started = Instant::now();
        let (version, server) = self.target.version().await?;
        let runs = cases.iter().enumerate().map(|(number, case)| async move {
            let key = (case.group.to_owned(), case.name());
            (key, self.case(number, case, version).await)
        });
        let verdicts = stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
        let seconds = started.elapsed().as_secs_f64();
        Ok(Report { name: self.target.name.clone(), server, verdicts, seconds })
    }

    /// Removes what the run has made, and tells what it could not remove.
    pub async fn sweep(&self) -> Vec<String> {
        self.ledger.sweep(&self.target.client).await
    }

    async fn case(&self, number: usize, case: &Case, version: Version) -> Verdict {
        if let Some(since) = case.since.filter(|since| *since > version) {
            return Verdict::NotBefore(since);
        }
        if case.needs > self.target.offers {
            return Verdict::Without(case.needs);
        }
        match self.outcome(number, case).await {
            Ok(()) => Verdict::Passed,
            Err(failure) => Verdict::Failed(failure),
        }
    }

    async fn outcome(&self, number: usize, case: &Case) -> Outcome {
        let (client, ledger) = (self.target.client.clone(), self.ledger.clone());
        let arena = Arena::open(client, ledger, &self.name, number, self.target.image.clone()).await?;
        let late = || {
            let seconds = case.deadline.as_secs();
            match arena.waiting().as_str() {
                "" => Failure(format!("not done within {seconds} s")),
                what => Failure(format!("not done within {seconds} s: waited for {what}")),
            }
        };
        timeout(case.deadline, (case.run)(&arena)).await.unwrap_or_else(|_| Err(late()))
    }
}
