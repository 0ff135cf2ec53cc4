//! Killed after each committed write of the cleanup in turn, the operator still brings it to the end that it has without a crash.

use super::{
    NAME,
    backups::{folder, put},
    crash::{Undisturbed, Witness, restart},
    life::{delete, made, nothing_kept, running, snapshot, with_rows},
    lock::Lock,
};
use crate::{
    check::{self, Arena, Failure},
    lesson_4_1::quiet_for,
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::LocalBoxFuture, stream, try_join};
use serde_json::json;
use std::time::Duration;

/// Its server lives through all of it, and restores the backups of the others.
const WITNESS: &str = "witness";
/// Fewer writes are no cleanup: of a server, a volume, credentials and the finalizer.
const LEAST: usize = 4;
/// Crashes in each kind of cleanup that are few.
const FEW: usize = 7;
/// Cases at the same time. Each waits for half of its time, and for a turn before its server starts.
const AT_ONCE: usize = 8;
/// Nothing is written for so long: the Database is all made, and the next write is its cleanup's.
const STILL: Duration = Duration::from_millis(700);

/// A kind of cleanup.
#[derive(Clone, Copy)]
enum Cleanup {
    /// Of a server with rows, whose data is saved.
    Saved,
    /// Of everything, an earlier backup too.
    Removed,
}

impl Cleanup {
    fn word(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Removed => "removed",
        }
    }

    /// A Database to be cleaned up.
    async fn prepare(self, stage: &Arena) -> Result<(), Failure> {
        match self {
            Self::Saved => with_rows(stage, NAME, snapshot(stage)).await?,
            Self::Removed => {
                put(&folder(stage, NAME).join("of-an-earlier-life.dump"))?;
                made(stage, NAME, nothing_kept(stage)).await?;
            }
        }
        quiet_for(stage, STILL).await
    }

    async fn undisturbed(self, witness: &Witness<'_>) -> Result<Undisturbed, Failure> {
        let name = format!("{}-undisturbed", self.word());
        let life = async |stage: &Arena| {
            self.prepare(stage).await?;
            Undisturbed::of(stage, witness).await
        };
        let undisturbed = witness.arena.case(&name, "in a cleanup without a crash", life).await?;
        match undisturbed.writes.len() {
            writes if writes < LEAST => {
                Err(Failure::new(format!("a cleanup of at least {LEAST} writes"), format!("{writes} writes")))
            }
            _ => Ok(undisturbed),
        }
    }
}

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    running(arena, WITNESS, json!({})).await?;
    let witness = &Witness { arena, name: WITNESS };
    let (saved, removed) =
        try_join!(Cleanup::Saved.undisturbed(witness), Cleanup::Removed.undisturbed(witness))?;
    let mut cases: Vec<LocalBoxFuture<'_, Result<bool, Failure>>> =
        vec![half_way(&saved, witness).boxed_local()];
    for (cleanup, undisturbed) in [(Cleanup::Saved, &saved), (Cleanup::Removed, &removed)] {
        let writes = planned(&undisturbed.writes, arena.few_faults()).into_iter();
        cases.extend(writes.map(|nth| crash(cleanup, nth, undisturbed, witness).boxed_local()));
    }
    let planned = cases.len();
    let fired: Vec<bool> = stream::iter(cases).buffered(AT_ONCE).try_collect().await?;
    let fired = fired.into_iter().filter(|fired| *fired).count();
    if fired < planned - 1 {
        return Err(Failure::new(
            format!("{planned} crashes"),
            format!("not run: {} of them never came", planned - fired),
        ));
    }
    Ok(format!("{fired} crashes of {planned} planned, and always the end that there is without one"))
}

/// The writes to crash after.
fn planned(writes: &[String], only_few: bool) -> Vec<usize> {
    let resources: Vec<&str> = writes.iter().map(String::as_str).collect();
    check::planned(&resources, only_few, FEW)
}

/// One case. Whether the crash came about.
async fn crash(
    cleanup: Cleanup,
    nth: usize,
    undisturbed: &Undisturbed,
    witness: &Witness<'_>,
) -> Result<bool, Failure> {
    let (word, write) = (cleanup.word(), nth + 1);
    let told =
        format!("after a crash right after write {write} of the cleanup, of {}", undisturbed.writes[nth]);
    let life = async |stage: &Arena| {
        cleanup.prepare(stage).await?;
        let fired = undisturbed.killed_after(stage, nth).await?;
        undisturbed.equals(stage, witness).await?;
        Ok(fired)
    };
    witness.arena.case(&format!("{word}-{write}"), &told, life).await
}

/// The operator dies while a dump is under way, which no write to the API server tells of.
async fn half_way(undisturbed: &Undisturbed, witness: &Witness<'_>) -> Result<bool, Failure> {
    let life = async |stage: &Arena| {
        Cleanup::Saved.prepare(stage).await?;
        let lock = Lock::take(stage, NAME).await?;
        delete(stage, NAME).await?;
        lock.stops_a_dump().await?;
        stage.operator.kill();
        let killed = stage.moment();
        restart(stage).await?;
        lock.release().await?;
        undisturbed.ends(stage, killed).await?;
        undisturbed.equals(stage, witness).await?;
        Ok(true)
    };
    witness.arena.case("half-way", "after a crash while its dump was under way", life).await
}
