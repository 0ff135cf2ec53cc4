//! A life for each write on the way up, with a fault at that write. Each has an operator and a namespace of its own.

use super::{
    STARTED,
    life::{Life, still, way_up},
    until,
};
use crate::check::{self, Arena, Failure, Moment};
use fault_proxy::{Action, Aim, Fault, Injected};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, future::try_join, stream};
use std::{collections::BTreeSet, time::Duration};

/// Lives of one kind at the same time. Each waits half of its time, and for a turn before its server starts.
const AT_ONCE: usize = 6;

/// Lives with a fault of one kind that are few.
const FEW: usize = 8;

/// What happens at a write.
#[derive(Clone, Copy)]
pub(super) enum Blow {
    /// The operator is killed when the write has been committed, and started again.
    Kill,
    /// The operator never hears that the write has been committed.
    Silence,
}

impl Blow {
    fn action(self, arena: &Arena) -> Action {
        match self {
            Self::Kill => Action::AfterCommit(arena.operator.killer()),
            Self::Silence => Action::LoseResponse,
        }
    }

    fn told(self, write: &str) -> String {
        match self {
            Self::Kill => format!("killed after {write}"),
            Self::Silence => format!("without an answer to {write}"),
        }
    }
}

/// One write of the way up, by its place and its name.
type Write = (usize, String);

/// Two lives without a fault, and what tells them apart, which proves nothing.
struct Undisturbed {
    one: Life,
    two: Life,
    chance: BTreeSet<String>,
}

/// Tries each write, and counts the lives whose fault fired.
pub(super) async fn at_each_write(arena: &Arena, blow: Blow) -> Result<String, Failure> {
    // Both checks of this kind compare with the same lives.
    let undisturbed = arena.shared(undisturbed(arena).boxed_local()).await?;
    let Undisturbed { one, two, .. } = undisturbed.as_ref();
    let writes = planned(&one.writes, &two.writes, arena.few_faults());
    let planned = writes.len();
    let cases = stream::iter(writes).map(|write| case(arena, blow, write, &undisturbed));
    let fired: Vec<bool> = cases.buffered(AT_ONCE).try_collect().await?;
    let fired = fired.into_iter().filter(|fired| *fired).count();
    // The last writes are reports of how far the servers are, and there may be one more or one less of them.
    if fired + 2 < planned {
        let expected = format!("a fault that fires in nearly all of {planned} lives");
        return Err(Failure::new(expected, format!("it fired in {fired}; the others are not run")));
    }
    Ok(format!("{planned} planned, {fired} fired, {fired} passed, of {} writes", one.writes.len()))
}

async fn undisturbed(arena: &Arena) -> Result<Undisturbed, Failure> {
    let live = |name| arena.case(name, "in an undisturbed life", Life::undisturbed);
    let (one, two) = try_join(live("undisturbed-one"), live("undisturbed-two")).await?;
    let chance = one.end.chance(&two.end);
    Ok(Undisturbed { one, two, chance })
}

/// The writes that both undisturbed lives have, or a few of them.
fn planned(one: &[String], two: &[String], only_few: bool) -> Vec<Write> {
    let both = &one[..one.len().min(two.len())];
    let resources: Vec<&str> = both.iter().map(|it| it.split(' ').nth(1).unwrap_or_default()).collect();
    check::planned(&resources, only_few, FEW).into_iter().map(|nth| (nth, both[nth].clone())).collect()
}

/// One life with a fault. Whether it fired.
async fn case(
    arena: &Arena,
    blow: Blow,
    (nth, write): Write,
    undisturbed: &Undisturbed,
) -> Result<bool, Failure> {
    let told = blow.told(&format!("write {}, {write}", nth + 1));
    let life = async |stage: &Arena| struck(stage, blow, nth, undisturbed).await;
    arena.case(&nth.to_string(), &told, life).await
}

async fn struck(stage: &Arena, blow: Blow, nth: usize, undisturbed: &Undisturbed) -> Result<bool, Failure> {
    let aim = Aim { writes: true, except: vec!["events".into()], skip: nth, ..Aim::default() };
    let fault = stage.proxy.inject(Fault { aim, action: blow.action(stage) });
    let life = async {
        way_up(stage).await.map_err(Some)?;
        // Without a fault this is no case, and there is nothing to wait for.
        if fault.fired_once(Duration::from_secs(3)).await { Ok(()) } else { Err(None) }
    };
    // Both at once: the blow comes while the operator is on its way.
    let strike = strike(stage, blow, &fault).map_err(Some);
    let fired = match try_join(life, strike).await {
        Ok(((), fired)) => fired,
        Err(end) => return end.map_or(Ok(false), Err),
    };
    still(stage).await?;
    undisturbed.one.equals(stage, fired, &undisturbed.chance).await?;
    Ok(true)
}

/// What follows from the fault. It is over when an operator has looked at the Database again. Returns when the fault has fired.
async fn strike(stage: &Arena, blow: Blow, fault: &Injected) -> Result<Moment, Failure> {
    let fires = fault.fired_once(4 * STARTED).await;
    let moment = stage.moment();
    if !fires || matches!(blow, Blow::Silence) {
        return Ok(moment);
    }
    stage.operator.ended(Duration::from_secs(10)).await;
    let passes = stage.passes();
    stage.operator.start().map_err(|error| Failure::new("the operator starts again", error))?;
    until(stage.patience(STARTED), "a pass after a restart", async || stage.passes() > passes).await?;
    Ok(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_at_a_write_that_both_lives_have() {
        let writes = ["patch databases/status orders", "patch databases orders", "patch services a"];
        let writes: Vec<String> = writes.iter().cycle().take(30).map(|&write| write.to_owned()).collect();
        assert_eq!(planned(&writes, &writes[..2], false), [(0, writes[0].clone()), (1, writes[1].clone())]);
        assert_eq!(planned(&writes[..4], &writes, false).len(), 4);
        assert_eq!(planned(&writes, &writes, true).len(), FEW);
    }
}
