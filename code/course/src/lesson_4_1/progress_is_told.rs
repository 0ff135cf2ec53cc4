//! Progressing is True with a reason for each step, and ends False.

use super::{NAME, NOTICED, STARTED, condition, cpu, is, running};
use crate::check::{Arena, Failure};
use std::collections::BTreeSet;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    running(arena).await?;
    arena
        .database(0, NOTICED, "Progressing is reported", |db| condition(db, "Progressing").is_some())
        .await?;
    ends_false(arena, 0).await?;
    let created = steps(arena, 0);
    if created.len() < 2 {
        let seen = format!("{} reasons on the way: {}", created.len(), list(&created));
        return Err(Failure::new(
            "Progressing=True with a reason for creating the children and another for waiting",
            seen,
        ));
    }
    let mark = arena.databases.mark();
    arena.change(NAME, cpu("110m")).await?;
    arena
        .database(mark, NOTICED, "Progressing=True after a change of the spec", |db| {
            is(db, "Progressing", "True")
        })
        .await?;
    ends_false(arena, mark + 1).await?;
    let updated = steps(arena, mark);
    Ok(format!("creating: {}; updating: {}", list(&created), list(&updated)))
}

/// The last report is False, with a reason, and stays so.
async fn ends_false(arena: &Arena, mark: usize) -> Result<(), Failure> {
    let started = arena.databases.find(mark, NOTICED, |db| is(db, "Progressing", "True")).await;
    if started.is_none() {
        return Err(Failure::new("Progressing=True while the servers start", "it never was"));
    }
    let after = arena
        .databases
        .all()
        .iter()
        .position(|version| Some(version.revision) == started.as_ref().map(|it| it.revision));
    let done = |db: &postgres_operator::api::Database| {
        is(db, "Progressing", "False") && condition(db, "Progressing").is_some_and(|it| !it.reason.is_empty())
    };
    arena
        .database(after.unwrap_or(mark), STARTED, "Progressing=False with a reason at the end", done)
        .await
        .map(drop)
}

/// Reasons with which Progressing was True from `mark` on.
fn steps(arena: &Arena, mark: usize) -> BTreeSet<String> {
    let versions = arena.databases.all().into_iter().skip(mark);
    let reasons = versions.filter_map(|version| {
        let progressing = condition(&version.object, "Progressing")?;
        (progressing.status == "True" && !progressing.reason.is_empty()).then(|| progressing.reason.clone())
    });
    reasons.collect()
}

fn list(reasons: &BTreeSet<String>) -> String {
    if reasons.is_empty() { "none".into() } else { reasons.iter().cloned().collect::<Vec<_>>().join(", ") }
}
