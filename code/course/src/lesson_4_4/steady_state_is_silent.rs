//! In steady state nothing is written: not to the API server, and not to PostgreSQL.

use super::{NAME, create_ready_at_once};
use crate::{
    check::{Arena, Failure},
    lesson_4_1::quiet,
};
use fault_proxy::Request;
use serde_json::json;

/// Of the operator's own accord, and when it is asked to look.
const FORCED: usize = 3;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    // Nothing of PostgreSQL's own may count as a write of the operator's.
    create_ready_at_once(arena, json!({"parameters": {"autovacuum": "off"}})).await?;
    quiet(arena).await?;
    let (mark, passes) = (arena.proxy.mark(), arena.passes());
    let transactions = next_transaction(arena).await?;
    // Time itself is the subject here.
    tokio::time::sleep(arena.steady).await;
    arena.look_again(NAME, FORCED).await?;

    let passes = arena.passes() - passes;
    let requests = arena.proxy.requests_since(mark);
    let writes: Vec<&Request> = requests.iter().filter(|request| request.verb.writes()).collect();
    if let Some(write) = writes.first() {
        let seen = format!("{} writes in {passes} passes, the first: {write}", writes.len());
        return Err(Failure::new("no write to the API server in steady state", seen));
    }
    let changes = next_transaction(arena).await? - transactions;
    if changes > 0 {
        let seen = format!("{changes} transactions that changed something, in {passes} passes");
        return Err(Failure::new("no statement in steady state that changes the database", seen));
    }
    if passes <= FORCED {
        return Err(Failure::new("passes of the operator's own accord", format!("{passes} in all")));
    }
    let seconds = arena.steady.as_secs();
    Ok(format!("in {seconds} s: 0 writes, {passes} reconciles, 0 transactions that change something"))
}

/// The number of the next transaction that changes something: PostgreSQL gives numbers to no others.
pub(super) async fn next_transaction(arena: &Arena) -> Result<u64, Failure> {
    let answer = arena.sql(NAME, "SELECT pg_snapshot_xmax(pg_current_snapshot())").await?;
    answer.parse().map_err(|_| Failure::new("the number of a transaction", answer))
}
