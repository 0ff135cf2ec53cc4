//! A table that nobody can read for a while.

use super::NOTICED;
use crate::check::{Arena, Failure, until};
use postgres_operator::external::exec::Running;

/// An open transaction that keeps everybody from reading the table `kept`: a dump of it waits.
pub(super) struct Lock<'a> {
    arena: &'a Arena,
    name: &'a str,
    session: Running,
}

impl<'a> Lock<'a> {
    /// Takes the lock.
    pub(super) async fn take(arena: &'a Arena, name: &'a str) -> Result<Self, Failure> {
        let statement = "BEGIN; LOCK TABLE kept IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3600)";
        let session =
            arena.start_in_pod(name, &["psql", "-U", "postgres", "-d", "app", "-c", statement], false).await;
        let session = session.map_err(|error| Failure::new("a session that locks a table", error))?;
        until(NOTICED, "the table is locked", async || {
            let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'kept'::regclass";
            match arena.sql_in(name, "app", held).await {
                Ok(count) if count == "1" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await?;
        Ok(Self { arena, name, session })
    }

    /// How many dumps wait for it.
    pub(super) async fn dumps_waiting(&self) -> Result<usize, Failure> {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'";
        let count = self.arena.sql_in(self.name, "app", waiting).await?;
        count.parse().map_err(|_| Failure::new("a number of dumps", count))
    }

    /// Waits until a dump waits.
    pub(super) async fn stops_a_dump(&self) -> Result<(), Failure> {
        until(NOTICED, "a dump is started", async || match self.dumps_waiting().await {
            Ok(0) => Err("no dump waits for the locked table".into()),
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.seen),
        })
        .await
    }

    /// Lets the dumps go on.
    pub(super) async fn release(self) -> Result<(), Failure> {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()";
        self.arena.sql_in(self.name, "app", end).await?;
        self.session.abort();
        Ok(())
    }
}
