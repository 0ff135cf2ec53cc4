//! Checks: named promises of a lab, each tried on an operator process of its own in a namespace of its own.

mod alone;
mod arena;
mod describe;
mod history;
mod namespaces;
mod operator;
mod passes;
mod poll;
mod print;
mod rights;
mod sql;
mod verdict;
mod wide;

use crate::{
    cluster::{self, Cluster},
    hint::Task,
    labs::{Lab, Target},
    package,
    progress::Progress,
};
use futures::{StreamExt, future::LocalBoxFuture, stream};
use std::{path::Path, process::ExitCode, sync::Arc, time::Instant};

pub(crate) use arena::{Arena, Depth, REQUEUE};
pub(crate) use history::{History, Kind, Version};
pub(crate) use passes::Pass;
pub(crate) use poll::until;
pub(crate) use verdict::{Failure, Verdict};

/// One promise.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    /// Its name, which reads as a promise.
    pub(crate) name: &'static str,
    /// Where to look if it is not kept.
    pub(crate) hint: &'static str,
    /// Tries it. What it measured on success, what was expected and seen on failure.
    pub(crate) run: for<'a> fn(&'a Arena) -> LocalBoxFuture<'a, Result<String, Failure>>,
}

/// A lesson's checks and what proves them.
pub(crate) struct Lesson {
    /// The checks, in the order in which they are told. Empty while the lesson is not written.
    pub(crate) checks: &'static [Check],
    /// Known-wrong operators.
    pub(crate) broken: &'static [Broken],
    /// Checks that the starter passes already: their work is given. It fails all others.
    pub(crate) given: &'static [&'static str],
    /// Which checks need which piece of work.
    pub(crate) tasks: &'static [Task],
}

/// A known-wrong operator, which fails one check and no other.
pub(crate) struct Broken {
    /// Its name, after what is wrong.
    pub(crate) name: &'static str,
    /// The check that it fails.
    pub(crate) fails: &'static str,
}

/// What to check, and how to tell.
#[derive(clap::Args, Clone)]
pub(crate) struct CheckOptions {
    /// Only this check
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,

    /// Also the checks of the labs before it
    #[arg(long)]
    pub(crate) earlier: bool,

    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) depth: Depth,

    /// Whether to print what the operator read and wrote.
    #[arg(skip)]
    pub(crate) timeline: bool,
}

impl CheckOptions {
    /// One check, with a steady state that is long enough for a write on every pass to show.
    pub(crate) fn only(check: &str) -> Self {
        Self {
            only: Some(check.to_owned()),
            earlier: false,
            json: false,
            depth: Depth::PROOF,
            timeline: false,
        }
    }
}

/// Runs a lab's checks and prints them in their order.
pub(crate) async fn run(
    lab: Lab,
    target: &Target,
    cluster: &cluster::ClusterOptions,
    options: &CheckOptions,
) -> Result<ExitCode, String> {
    let checks = selected(lab, options)?;
    let cluster = cluster::connect(cluster).await?;
    let program = package::build(&target.package(lab)).await?;
    let out = print::Printer::new(options.json, &target.title(lab), &cluster);
    let started = Instant::now();
    let tell = |verdict: &Verdict| out.verdict(verdict);
    let verdicts = execute(lab, target, &cluster, &program, checks, options.depth, tell).await?;
    out.end(lab, target, &verdicts, started.elapsed());
    if options.timeline {
        print::timelines(&verdicts);
    }
    if *target == Target::Lab {
        let mut progress = Progress::load();
        progress.note(lab, &verdicts);
        progress.save()?;
    }
    Ok(if verdicts.iter().all(Verdict::passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs checks, all at the same time, and tells their verdicts in their order as they come.
pub(crate) async fn execute(
    lab: Lab,
    target: &Target,
    cluster: &Cluster,
    program: &Path,
    checks: Vec<Check>,
    depth: Depth,
    tell: impl Fn(&Verdict),
) -> Result<Vec<Verdict>, String> {
    namespaces::prepare(cluster).await?;
    let run = arena::run_id();
    let logs = package::root().join("target/course").join(&run);
    std::fs::create_dir_all(&logs).map_err(|error| format!("cannot create {}: {error}", logs.display()))?;
    let (client, program, target) = (cluster.client.clone(), program.to_owned(), target.clone());
    let setup = Arc::new(arena::Setup { lab, target, client, program, run: run.clone(), logs, depth });
    let all =
        stream::iter(checks).map(|check| one(check, setup.clone())).buffered(16).inspect(tell).collect();
    let verdicts = async {
        alone::alone(cluster, &run).await?;
        Ok(all.await)
    };
    let verdicts = tokio::select! {
        verdicts = verdicts => verdicts,
        _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
    };
    namespaces::remove_namespaces(cluster, &run).await?;
    verdicts
}

/// The checks of a lab and of all labs before it: a later lab keeps the promises of the earlier ones.
pub(crate) fn checks_up_to(lab: Lab) -> Vec<Check> {
    let labs = Lab::ALL.into_iter().filter(|other| *other <= lab);
    labs.flat_map(|lab| lab.lesson().checks).copied().collect()
}

fn selected(lab: Lab, options: &CheckOptions) -> Result<Vec<Check>, String> {
    let all = if options.earlier { checks_up_to(lab) } else { lab.lesson().checks.to_vec() };
    if all.is_empty() {
        return Err(format!("lab {lab} has no checks yet"));
    }
    let Some(name) = options.only.as_deref() else { return Ok(all) };
    let names = || all.iter().map(|check| check.name).collect::<Vec<_>>().join(", ");
    let found = all.iter().copied().find(|check| check.name == name);
    found
        .map(|check| vec![check])
        .ok_or_else(|| format!("lab {lab} has no check {name:?}; it has {}", names()))
}

async fn one(check: Check, setup: Arc<arena::Setup>) -> Verdict {
    let started = Instant::now();
    let verdict = |result| Verdict::new(&check, result, started.elapsed());
    let arena = match Arena::enter(check.name, setup.clone()).await {
        Ok(arena) => arena,
        Err(error) => return verdict(Err(Failure::new("a namespace with an operator in it", error))),
    };
    let result = tokio::select! {
        result = (check.run)(&arena) => result,
        // Waiting for anything else would be in vain.
        ended = arena.operator.failed() => Err(Failure::new("the operator keeps running", ended)),
    };
    let result = match result {
        // A case in an arena of its own has brought its own.
        Err(failure) if failure.evidence.log_file.is_empty() => {
            Err(failure.with_evidence(arena.evidence().await))
        }
        result => result,
    };
    let mut verdict = verdict(result);
    match arena.write_timeline(&setup.logs.join(check.name)) {
        Ok(text) => verdict.timeline = Some(text),
        Err(error) => eprintln!("warning: no timeline of {}: {error}", check.name),
    }
    arena.leave().await;
    verdict
}

/// The folder of a run's logs, for messages.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(package::root()).unwrap_or(path).display().to_string()
}
