//! One cleanup during which the operator is killed, in an arena of its own.

use super::{
    CLEANED_UP, NAME, NOTICED,
    backups::{dumps, measured, restore},
    life::{delete, gone, left},
};
use crate::check::{Arena, Failure, Moment, until};
use fault_proxy::{Action, Aim, Fault, Request, Verb};
use std::time::Duration;

/// Events tell what has happened, and nothing depends on one.
const NEWS: &str = "events";
/// Nothing is written for so long after a start.
const SILENT: Duration = Duration::from_millis(500);

/// What a cleanup ends with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    left: Vec<String>,
    /// For each backup in the store, what it restores.
    backups: Vec<String>,
}

/// A cleanup that nothing disturbs.
pub(super) struct Undisturbed {
    /// The resources that it writes, in order.
    pub(super) writes: Vec<String>,
    pub(super) end: End,
    passes: usize,
}

impl Undisturbed {
    /// The cleanup of a Database that is all made. `restores` restores what it leaves in the store.
    pub(super) async fn of(stage: &Arena, restores: &Witness<'_>) -> Result<Self, Failure> {
        let (mark, passes) = (stage.proxy.mark(), stage.passes());
        delete(stage, NAME).await?;
        gone(stage, NAME, CLEANED_UP).await?;
        // The watch may tell of the removal before the proxy has noted its answer.
        let writes =
            until(stage.patience(NOTICED), "the cleanup ends with a write of the Database", async || {
                let writes: Vec<String> =
                    committed(stage, mark).into_iter().map(|request| request.resource).collect();
                if writes.last().is_some_and(|last| last == "databases") {
                    Ok(writes)
                } else {
                    Err(writes.join(", "))
                }
            });
        let (writes, passes) = (writes.await?, stage.passes() - passes);
        Ok(Self { writes, end: end(stage, restores, None).await?, passes })
    }

    /// Fails unless another cleanup, in the course of which the operator was killed, has the same end, and a new operator finds
    /// nothing more to write there.
    pub(super) async fn equals(&self, stage: &Arena, restores: &Witness<'_>) -> Result<(), Failure> {
        let found = end(stage, restores, Some(&self.end)).await?;
        if found != self.end {
            return Err(Failure::new(
                format!("the end without a crash: {:?}", self.end),
                format!("{found:?}"),
            ));
        }
        silent_afterwards(stage).await
    }

    /// Kills the operator once, after the committed write of this number, and starts it again. Whether that came about.
    pub(super) async fn killed_after(&self, stage: &Arena, nth: usize) -> Result<bool, Failure> {
        let aim = Aim { writes: true, except: vec![NEWS.into()], skip: nth, ..Aim::default() };
        let kill = stage.proxy.inject(Fault { aim, action: Action::AfterCommit(stage.operator.killer()) });
        delete(stage, NAME).await?;
        tokio::select! {
            _ = kill.fired_once(CLEANED_UP) => {}
            gone = gone(stage, NAME, CLEANED_UP) => gone?,
        }
        // The object goes with the last write, and the kill comes right after it.
        let fired = kill.fired_once(Duration::from_secs(1)).await;
        stage.proxy.lift(&kill);
        let killed = stage.moment();
        if fired {
            restart(stage).await?;
        }
        self.ends(stage, killed).await.map(|()| fired)
    }

    /// Waits for the end of a cleanup whose operator was killed, and was started again.
    pub(super) async fn ends(&self, stage: &Arena, killed: Moment) -> Result<(), Failure> {
        gone(stage, NAME, CLEANED_UP).await?;
        stage.is_orderly(killed, self.passes)
    }
}

/// A server that lives through all of it.
pub(super) struct Witness<'a> {
    pub(super) arena: &'a Arena,
    pub(super) name: &'a str,
}

fn committed(stage: &Arena, mark: usize) -> Vec<Request> {
    let requests = stage.proxy.requests_since(mark).into_iter();
    requests.filter(|request| request.committed() && request.resource != NEWS).collect()
}

/// Starts the operator that was killed.
pub(super) async fn restart(stage: &Arena) -> Result<(), Failure> {
    if !stage.operator.ended(NOTICED).await {
        return Err(Failure::new("the operator's process ends when it is killed", "it goes on"));
    }
    stage.operator.start().map_err(|error| Failure::new("the operator starts again", error))
}

/// What a cleanup has ended with. With an end to compare with, it waits for that: the last pod may take a moment.
async fn end(stage: &Arena, restores: &Witness<'_>, like: Option<&End>) -> Result<End, Failure> {
    let nothing = Vec::new();
    let goal = like.map_or(&nothing, |end| &end.left);
    let waited =
        until(stage.patience(NOTICED), "the end of the cleanup", async || match left(stage, NAME).await? {
            left if left == *goal => Ok(left),
            left => Err(left.join(", ")),
        });
    let left = match waited.await {
        Ok(left) => left,
        Err(_) => {
            left(stage, NAME).await.map_err(|error| Failure::new("the children can be listed", error))?
        }
    };
    let mut backups = Vec::new();
    for dump in dumps(stage, NAME) {
        measured(&dump)?;
        backups.push(restore(restores.arena, restores.name, &dump).await?);
    }
    Ok(End { left, backups })
}

/// When all is cleaned up, a new operator finds nothing to write.
async fn silent_afterwards(stage: &Arena) -> Result<(), Failure> {
    stage.operator.kill();
    let mark = stage.proxy.mark();
    restart(stage).await?;
    until(stage.patience(NOTICED), "a new operator watches its Databases", async || {
        let watches = |it: &Request| it.verb == Verb::Watch && it.resource == "databases";
        let watched = stage.proxy.requests_since(mark).iter().any(watches);
        watched.then_some(()).ok_or_else(|| "it does not".to_owned())
    })
    .await?;
    // Time itself is the subject here: nothing has to happen.
    tokio::time::sleep(SILENT).await;
    let written = committed(stage, mark);
    match written.first() {
        None => Ok(()),
        Some(first) => {
            let seen = format!("{} writes, the first: {first}", written.len());
            Err(Failure::new("a new operator writes nothing when all is cleaned up", seen))
        }
    }
}
