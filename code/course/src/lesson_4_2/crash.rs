//! One cleanup during which the operator is killed.

use super::{
    CLEANED_UP, NOTICED,
    backups::{dumps, measured, restore},
    life::{delete, gone, left},
};
use crate::check::{Arena, Failure, until};
use fault_proxy::{Action, Aim, Fault, Injected};
use std::{sync::Arc, time::Duration};

/// What a cleanup ends with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    left: Vec<String>,
    /// For each backup in the store, what it restores.
    backups: Vec<String>,
}

/// A cleanup that nothing disturbs: how many writes it commits, and its end.
pub(super) async fn undisturbed(arena: &Arena, name: &str, witness: &str) -> Result<(usize, End), Failure> {
    // It fires never, and counts what it would have fired at.
    let count = inject(arena, Aim { writes: true, times: 0, ..Aim::default() }, Arc::new(|| ()));
    delete(arena, name).await?;
    gone(arena, name, CLEANED_UP).await?;
    let writes = count.seen();
    arena.proxy.lift(&count);
    let end = end(arena, name, witness, None).await?;
    Ok((writes, end))
}

/// A cleanup whose operator is killed once after so many committed writes, and started again. Whether that came about.
pub(super) async fn killed_after(arena: &Arena, name: &str, writes: usize) -> Result<bool, Failure> {
    let aim = Aim { writes: true, skip: writes - 1, ..Aim::default() };
    let kill = inject(arena, aim, arena.operator.killer());
    delete(arena, name).await?;
    tokio::select! {
        _ = kill.fired_once(CLEANED_UP) => {}
        gone = gone(arena, name, CLEANED_UP) => gone?,
    }
    // The object goes with the last write, and the kill comes right after it.
    let fired = kill.fired_once(Duration::from_secs(1)).await;
    arena.proxy.lift(&kill);
    if fired {
        restart(arena).await?;
    }
    let expected = |failure: Failure| Failure {
        expected: format!("{} after a crash right after write {writes} of its cleanup", failure.expected),
        ..failure
    };
    gone(arena, name, CLEANED_UP).await.map_err(expected)?;
    Ok(fired)
}

fn inject(arena: &Arena, aim: Aim, hook: Arc<dyn Fn() + Send + Sync>) -> Injected {
    arena.proxy.inject(Fault { aim, action: Action::AfterCommit(hook) })
}

/// Starts the operator that was killed.
pub(super) async fn restart(arena: &Arena) -> Result<(), Failure> {
    if !arena.operator.ended(NOTICED).await {
        return Err(Failure::new("the operator's process ends when it is killed", "it goes on"));
    }
    arena.operator.start().map_err(|error| Failure::new("the operator starts again", error))
}

/// What a cleanup has ended with. With an end to compare with, it waits for that: the last pod may take a moment.
pub(super) async fn end(
    arena: &Arena,
    name: &str,
    witness: &str,
    like: Option<&End>,
) -> Result<End, Failure> {
    let nothing = Vec::new();
    let goal = like.map_or(&nothing, |end| &end.left);
    let waited = until(NOTICED, "the end of the cleanup", async || match left(arena, name).await? {
        left if left == *goal => Ok(left),
        left => Err(left.join(", ")),
    });
    let left = match waited.await {
        Ok(left) => left,
        Err(_) => {
            left(arena, name).await.map_err(|error| Failure::new("the children can be listed", error))?
        }
    };
    let mut backups = Vec::new();
    for dump in dumps(arena, name) {
        measured(&dump)?;
        backups.push(restore(arena, witness, &dump).await?);
    }
    Ok(End { left, backups })
}
