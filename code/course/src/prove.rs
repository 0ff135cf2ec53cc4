//! Proves a lab's checks: right operators pass them all, wrong ones fail the check that names their mistake and no other. A quick proof
//! tries wrong ones with that check alone.

use crate::{
    check::{self, Check, Depth, Failure, Job, Verdict},
    cluster,
    labs::{Lab, Target},
    package,
    stop::Stop,
};
use futures::{StreamExt, stream};
use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    process::ExitCode,
    time::Instant,
};

/// Wrong operators that are checked at the same time: most of the time they are waited for in vain, and with one check each still more.
/// Right ones have deadlines of a second to keep, in every check.
const AT_ONCE: usize = 3;
const AT_ONCE_WHEN_QUICK: usize = 5;
const RIGHT_AT_ONCE: usize = 2;

/// Checks that fail too, for the same mistake. A dump of another database waits for no lock in the right one, and two checks hold one
/// up with a lock. Who asks as the superuser never learns that the application's user may not log in.
const FOLLOW: [(&str, &[&str]); 2] = [
    ("backs-up-the-wrong-database", &["waiting-is-not-failing", "cleanup-survives-crashes"]),
    ("asks-as-superuser", &["failed-is-not-forever"]),
];

/// Checks the solution, the complete operator, the starter and every broken operator, and prints a line for each.
pub(crate) async fn run(
    lab: Lab,
    quick: bool,
    cluster: &cluster::ClusterOptions,
    stop: &Stop,
) -> Result<ExitCode, String> {
    let cluster = stop.or(cluster::connect(cluster)).await?;
    let lesson = lab.lesson();
    let missing = lesson.checks.iter().map(|check| check.name).filter(|name| !lesson.given.contains(name));
    let broken = lesson.broken.iter();
    let broken = broken.map(|broken| (Target::Broken(broken.name.into()), BTreeSet::from([broken.fails])));
    let right = [Target::Solution, Target::Operator].map(|target| (target, BTreeSet::new()));
    // What is not done may not seem to be.
    let wrong: Vec<_> = [(Target::Lab, missing.collect())].into_iter().chain(broken).collect();
    let mut programs = HashMap::new();
    for package in right.iter().chain(&wrong).map(|(target, _)| target.package(lab)) {
        if let Entry::Vacant(entry) = programs.entry(package) {
            let program = package::build(entry.key(), stop).await?;
            entry.insert(program);
        }
    }
    println!("Proving the checks of lab {lab} on {cluster}\n");
    let depth = Depth::proof(quick);
    let job = |target| Job {
        lab,
        target,
        cluster: &cluster,
        program: &programs[&target.package(lab)],
        depth,
        is_last: false,
    };
    let job = &job;
    let (mut passed, mut again, mut problem) = (0, Vec::new(), None);
    let wrong_at_once = if quick { AT_ONCE_WHEN_QUICK } else { AT_ONCE };
    for (operators, at_once) in [(&right[..], RIGHT_AT_ONCE), (&wrong[..], wrong_at_once)] {
        let mut results =
            stream::iter(operators)
                .map(|(target, expected)| async move {
                    (target, expected, one(job(target), expected, stop).await)
                })
                .buffer_unordered(at_once);
        // To the end, whatever comes: each takes its own namespaces away.
        while let Some((target, expected, result)) = results.next().await {
            match result {
                Ok(true) => passed += 1,
                Ok(false) => again.push((target, expected)),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
    }
    if let Some(problem) = problem {
        return Err(problem);
    }
    // A deadline may have passed because of the other operator that was checked at that time. What is wrong is so alone, too.
    let mut failed = 0;
    for (target, expected) in again {
        println!("  once more, alone:");
        if one(job(target), expected, stop).await? { passed += 1 } else { failed += 1 }
    }
    println!("\n{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn one(job: Job<'_>, expected: &BTreeSet<&str>, stop: &Stop) -> Result<bool, String> {
    let started = Instant::now();
    let Job { lab, target, depth, .. } = job;
    let mut labs = match target {
        Target::Solution => check::checks_up_to(lab),
        // The quick proofs of the other labs have it too.
        Target::Operator if !depth.no_faults => check::checks_up_to(lab),
        _ => vec![lab.lesson().checks.to_vec()],
    };
    for checks in &mut labs {
        checks.retain(|check| is_tried(check, target, expected, depth));
    }
    let tried: BTreeSet<&str> = labs.iter().flatten().map(|check| check.name).collect();
    let expected: BTreeSet<&str> = expected.intersection(&tried).copied().collect();
    let verdicts = check::in_turn(job, labs, stop, |_| ()).await?;
    let failed: BTreeSet<&str> =
        verdicts.iter().filter(|verdict| !verdict.passed()).map(|verdict| verdict.check).collect();
    let follow = FOLLOW.iter().find(|(name, _)| *target == Target::Broken((*name).into()));
    let unrelated =
        failed.difference(&expected).any(|check| !follow.is_some_and(|(_, checks)| checks.contains(check)));
    // An operator that does not even run has failed for another reason than its mistake.
    let runs = !verdicts.iter().flat_map(|verdict| &verdict.failure).any(Failure::is_of_the_operator_itself);
    let as_expected = runs && expected.is_subset(&failed) && !unrelated;
    let mark = if as_expected { "✓" } else { "✗" };
    println!(
        "  {mark} {:<48} {:>5.0} s  fails {}",
        target.title(lab),
        started.elapsed().as_secs_f64(),
        list(&failed, verdicts.len())
    );
    for verdict in verdicts.iter().filter(|verdict| !as_expected && !verdict.passed()) {
        println!("{}", told(verdict));
    }
    if !as_expected {
        println!("      it should fail {}", list(&expected, verdicts.len()));
    }
    Ok(as_expected)
}

/// In a quick proof an operator with a mistake meets the check that is there for it, and the others those that are not made of faults.
fn is_tried(check: &Check, target: &Target, expected: &BTreeSet<&str>, depth: Depth) -> bool {
    match target {
        _ if !depth.no_faults => true,
        Target::Broken(_) => expected.contains(check.name),
        _ => !check.has_faults(),
    }
}

fn list(names: &BTreeSet<&str>, of: usize) -> String {
    match names.len() {
        0 => "none".into(),
        count if count == of && of > 1 => format!("all {count}"),
        _ => names.iter().copied().collect::<Vec<_>>().join(", "),
    }
}

fn told(verdict: &Verdict) -> String {
    let failure = verdict.failure.as_ref();
    let text = |part: fn(&check::Failure) -> &str| failure.map(part).unwrap_or_default();
    format!("      {}: expected {}; seen {}", verdict.check, text(|it| &it.expected), text(|it| &it.seen))
}
