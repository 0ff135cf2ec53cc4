//! Checks: named promises of a lab, each tried on an operator process of its own in a namespace of its own.

mod alone;
mod arena;
mod case;
mod depth;
mod describe;
mod history;
mod log;
mod namespaces;
mod operator;
mod oracle;
mod passes;
mod poll;
mod print;
mod rights;
mod shared;
mod sql;
mod verdict;
mod watchdog;
mod wide;

use crate::{
    cluster::{self, Cluster},
    hint::Task,
    labs::{Lab, Target},
    package,
    progress::Progress,
    stop::Stop,
};
use futures::{StreamExt, future::LocalBoxFuture, stream};
use std::{path::Path, process::ExitCode, sync::Arc, time::Instant};

pub(crate) use arena::Arena;
pub(crate) use depth::{Depth, planned};
pub(crate) use history::{History, Kind, Version};
pub(crate) use oracle::Moment;
pub(crate) use passes::{Pass, gaps};
pub(crate) use poll::until;
pub(crate) use verdict::{Failure, Verdict};

/// One promise.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    /// Its name, which reads as a promise.
    pub(crate) name: &'static str,
    /// Where to look if it is not kept.
    pub(crate) hint: &'static str,
    /// How its operator begins.
    pub(crate) begin: Begin,
    /// Tries it. What it measured on success, what was expected and seen on failure.
    pub(crate) run: for<'a> fn(&'a Arena) -> LocalBoxFuture<'a, Result<String, Failure>>,
}

impl Check {
    /// Whether it is made of crashes, lost answers or outages.
    pub(crate) fn has_faults(&self) -> bool {
        Lab::ALL.into_iter().any(|lab| lab.lesson().faults.contains(&self.name))
    }
}

/// How the operator of a check begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// It runs when the check begins, and looks at each object every few seconds.
    Running,
    /// It runs when the check begins, and only an event leads to a pass: its interval is so long that no check sees its end.
    OnlyEvents,
    /// The same, but it is the check that starts it.
    Later,
}

/// An operator, where it is checked, and how thoroughly.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) lab: Lab,
    pub(crate) target: &'a Target,
    pub(crate) cluster: &'a Cluster,
    pub(crate) program: &'a Path,
    pub(crate) depth: Depth,
    /// Whether nobody needs the cluster afterwards, if it is a sandbox of this process.
    pub(crate) is_last: bool,
}

/// A lesson's checks and what proves them.
pub(crate) struct Lesson {
    /// The checks, in the order in which they are told. Empty while the lesson is not written.
    pub(crate) checks: &'static [Check],
    /// Known-wrong operators.
    pub(crate) broken: &'static [Broken],
    /// Checks that the starter passes already: their work is given. It fails all others.
    pub(crate) given: &'static [&'static str],
    /// Checks that are made of fault cases: crashes, lost answers, outages.
    pub(crate) faults: &'static [&'static str],
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
    stop: &Stop,
) -> Result<ExitCode, String> {
    let checks = selected(lab, options)?;
    let cluster = stop.or(cluster::connect(cluster)).await?;
    let program = package::build(&target.package(lab), stop).await?;
    let out = print::Printer::new(options.json, &target.title(lab), &cluster);
    let started = Instant::now();
    let tell = |verdict: &Verdict| out.verdict(verdict);
    let job = Job { lab, target, cluster: &cluster, program: &program, depth: options.depth, is_last: true };
    let verdicts = in_turn(job, checks, stop, tell).await?;
    out.end(lab, target, &verdicts, started.elapsed());
    if options.depth.no_faults && options.only.is_none() && !options.json {
        println!("left out: {}", lab.lesson().faults.join(", "));
    }
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

/// Runs the checks of one lab after those of the other. All of them at once would keep two cores busy until deadlines pass.
pub(crate) async fn in_turn(
    job: Job<'_>,
    labs: Vec<Vec<Check>>,
    stop: &Stop,
    tell: impl Fn(&Verdict),
) -> Result<Vec<Verdict>, String> {
    let mut verdicts = Vec::new();
    let mut labs = labs.into_iter().peekable();
    while let Some(checks) = labs.next() {
        let job = Job { is_last: job.is_last && labs.peek().is_none(), ..job };
        verdicts.extend(execute(job, checks, stop, &tell).await?);
    }
    Ok(verdicts)
}

/// Runs checks, all at the same time, and tells their verdicts in their order as they come. Whatever ends it, its namespaces are
/// removed.
async fn execute(
    job: Job<'_>,
    checks: Vec<Check>,
    stop: &Stop,
    tell: impl Fn(&Verdict),
) -> Result<Vec<Verdict>, String> {
    let (cluster, here) = (job.cluster, job.cluster.is_here());
    let goes_by_itself = here && job.is_last;
    let steady = job.depth.steady(here)?;
    namespaces::prepare(cluster).await?;
    let run = arena::run_id();
    let logs = package::root().join("target/course").join(&run);
    std::fs::create_dir_all(&logs).map_err(|error| format!("cannot create {}: {error}", logs.display()))?;
    let setup = Arc::new(arena::Setup {
        lab: job.lab,
        target: job.target.clone(),
        client: cluster.client.clone(),
        program: job.program.to_owned(),
        run: run.clone(),
        logs,
        depth: job.depth,
        requeue: depth::requeue(here),
        quiet: depth::quiet(here),
        steady,
        here,
        goes_by_itself,
        turns: cluster.turns.clone(),
        shared: shared::Shared::default(),
    });
    let all =
        stream::iter(checks).map(|check| one(check, setup.clone())).buffered(16).inspect(tell).collect();
    let verdicts = async {
        // A sandbox of this process has nobody else in it.
        if !here {
            alone::alone(cluster, &run).await?;
        }
        Ok(all.await)
    };
    let verdicts = stop.or(verdicts).await;
    if goes_by_itself || here && stop.is_asked() {
        // All of it goes with the sandbox, which goes with this process.
        return verdicts;
    }
    if stop.is_asked() {
        eprintln!("Removing what the checks have made");
    }
    namespaces::remove_namespaces(cluster, &run).await?;
    verdicts
}

/// The checks of a lab and of all labs before it, lab by lab: a later lab keeps the promises of the earlier ones.
pub(crate) fn checks_up_to(lab: Lab) -> Vec<Vec<Check>> {
    let labs = Lab::ALL.into_iter().filter(|other| *other <= lab);
    labs.map(|lab| lab.lesson().checks.to_vec()).collect()
}

fn selected(lab: Lab, options: &CheckOptions) -> Result<Vec<Vec<Check>>, String> {
    let mut labs = if options.earlier { checks_up_to(lab) } else { vec![lab.lesson().checks.to_vec()] };
    let Some(name) = options.only.as_deref() else {
        for checks in &mut labs {
            checks.retain(|check| !options.depth.no_faults || !check.has_faults());
        }
        return Ok(labs);
    };
    let names = || labs.iter().flatten().map(|check| check.name).collect::<Vec<_>>().join(", ");
    let found = labs.iter().flatten().find(|check| check.name == name);
    found
        .map(|check| vec![vec![*check]])
        .ok_or_else(|| format!("lab {lab} has no check {name:?}; it has {}", names()))
}

async fn one(check: Check, setup: Arc<arena::Setup>) -> Verdict {
    let started = Instant::now();
    let ended = |result| Verdict::new(&check, result, started.elapsed());
    let arena = match Arena::enter(check.name, check.begin, setup).await {
        Ok(arena) => arena,
        Err(error) => return ended(Err(Failure::new(verdict::STAGE, error))),
    };
    let result = match arena.watched((check.run)(&arena)).await {
        // A case in an arena of its own has brought its own.
        Err(failure) if failure.evidence.log_file.is_empty() => {
            Err(failure.with_evidence(arena.evidence().await))
        }
        result => result,
    };
    let mut verdict = ended(result);
    let timeline = arena.write_timeline();
    verdict.timeline = verdict.timeline.or(timeline);
    arena.leave().await;
    verdict
}

/// The folder of a run's logs, for messages.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(package::root()).unwrap_or(path).display().to_string()
}
