//! Killed after each committed write of the cleanup in turn, the operator still brings it to the end that it has without a crash.

use super::{
    CLEANED_UP,
    backups::{folder, put},
    crash::{End, end, killed_after, restart, undisturbed},
    life::{delete, gone, look_again, made, nothing_kept, running, snapshot, with_rows},
    sql::Lock,
};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::quiet,
};
use futures::{future::try_join_all, try_join};
use serde_json::json;

/// Its server lives through all of it, and restores the backups of the others.
const WITNESS: &str = "witness";
/// Dies while its backup is written.
const HALF_WAY: &str = "half-way";
/// Fewer writes are no cleanup: of a server, a volume, credentials and the finalizer.
const LEAST: usize = 4;

/// A kind of cleanup: the first word of its Databases' names, the number of its writes, and its end without a crash.
struct Cleanup {
    word: &'static str,
    writes: usize,
    end: End,
}

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    try_join!(running(arena, WITNESS, json!({})), prepare(arena, "saved", 0), prepare(arena, "removed", 0))?;
    quiet(arena).await?;
    let cleanups = [undisturbed_of(arena, "saved").await?, undisturbed_of(arena, "removed").await?];

    let cases = cleanups.iter().flat_map(|of| (1..=of.writes).map(|case| prepare(arena, of.word, case)));
    try_join!(try_join_all(cases), with_rows(arena, HALF_WAY, snapshot(arena)))?;
    quiet(arena).await?;
    let (mut planned, mut fired) = (1, 1);
    killed_half_way(arena, &cleanups[0].end).await?;
    for cleanup in &cleanups {
        planned += cleanup.writes;
        fired += each_write(arena, cleanup).await?;
    }
    if fired < planned - 1 {
        return Err(Failure::new(
            format!("{planned} crashes"),
            format!("not run: {} of them never came", planned - fired),
        ));
    }
    silent_afterwards(arena).await?;
    Ok(format!("{fired} crashes of {planned} planned, and always the end that there is without one"))
}

async fn prepare(arena: &Arena, word: &str, case: usize) -> Result<(), Failure> {
    let name = format!("{word}-{case}");
    if word == "saved" {
        return with_rows(arena, &name, snapshot(arena)).await;
    }
    put(&folder(arena, &name).join("of-an-earlier-life.dump"))?;
    made(arena, &name, nothing_kept(arena)).await
}

async fn undisturbed_of(arena: &Arena, word: &'static str) -> Result<Cleanup, Failure> {
    let (writes, end) = undisturbed(arena, &format!("{word}-0"), WITNESS).await?;
    if writes < LEAST {
        return Err(Failure::new(
            format!("a cleanup of at least {LEAST} writes"),
            format!("{writes} writes"),
        ));
    }
    Ok(Cleanup { word, writes, end })
}

/// One case for each write. How many of the crashes came about.
async fn each_write(arena: &Arena, of: &Cleanup) -> Result<usize, Failure> {
    let mut fired = 0;
    for case in 1..=of.writes {
        let name = format!("{}-{case}", of.word);
        fired += usize::from(killed_after(arena, &name, case).await?);
        same(
            &end(arena, &name, WITNESS, Some(&of.end)).await?,
            &of.end,
            &format!("write {case} of its cleanup"),
        )?;
    }
    Ok(fired)
}

/// The operator dies while a dump is under way, which no write to the API server tells of.
async fn killed_half_way(arena: &Arena, expected: &End) -> Result<(), Failure> {
    let lock = Lock::take(arena, HALF_WAY).await?;
    delete(arena, HALF_WAY).await?;
    lock.stops_a_dump().await?;
    arena.operator.kill();
    restart(arena).await?;
    lock.release().await?;
    gone(arena, HALF_WAY, CLEANED_UP).await?;
    same(&end(arena, HALF_WAY, WITNESS, Some(expected)).await?, expected, "the start of its dump")
}

fn same(found: &End, expected: &End, when: &str) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    let without = format!("after a crash right after {when} the same end as without one: {expected:?}");
    Err(Failure::new(without, format!("{found:?}")))
}

/// When all is cleaned up, a new operator finds nothing to write.
async fn silent_afterwards(arena: &Arena) -> Result<(), Failure> {
    arena.operator.kill();
    let mark = arena.proxy.mark();
    restart(arena).await?;
    look_again(arena, WITNESS, 3).await?;
    let written: Vec<_> =
        arena.proxy.requests_since(mark).into_iter().filter(|it| it.change.is_some()).collect();
    match written.first() {
        None => Ok(()),
        Some(first) => {
            let seen = format!("{} writes, the first: {first}", written.len());
            Err(Failure::new("a new operator writes nothing when all is cleaned up", seen))
        }
    }
}
