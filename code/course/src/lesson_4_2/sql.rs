//! Asking a database itself, in the pod of its server.

use super::NOTICED;
use crate::check::{Arena, Failure, until};
use k8s_openapi::api::core::v1::Pod;
use kube::api::AttachParams;
use postgres_operator::{
    error::chain,
    external::exec::{self, Running},
};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a program prints in a database's first pod.
pub(super) async fn in_pod(arena: &Arena, name: &str, program: &[&str]) -> Result<String, Failure> {
    let output = async {
        let mut running = start(arena, name, program, true).await?;
        let mut text = String::new();
        if let Some(mut stdout) = running.stdout() {
            stdout.read_to_string(&mut text).await.map_err(|error| chain(&error))?;
        }
        running.end().await.map_err(|error| chain(&error))?;
        Ok(text.trim().to_owned())
    };
    output
        .await
        .map_err(|error: String| Failure::new(format!("{} works in {name}-0", program.join(" ")), error))
}

/// What `psql` prints, as the superuser.
pub(super) async fn sql(
    arena: &Arena,
    name: &str,
    database: &str,
    statement: &str,
) -> Result<String, Failure> {
    in_pod(
        arena,
        name,
        &["psql", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-Atqd", database, "-c", statement],
    )
    .await
}

async fn start(arena: &Arena, name: &str, program: &[&str], stdout: bool) -> Result<Running, String> {
    let program: Vec<String> = program.iter().map(|&word| word.to_owned()).collect();
    let started = exec::start(&arena.api::<Pod>(), &format!("{name}-0"), &program, stdout).await;
    started.map_err(|error| chain(&error))
}

/// Copies a file into a database's first pod.
pub(super) async fn send_file(arena: &Arena, name: &str, from: &Path, to: &str) -> Result<(), Failure> {
    let sent = async {
        let bytes = std::fs::read(from).map_err(|error| error.to_string())?;
        // It is told where to stop: not every API server passes on that an input has ended.
        let program = ["sh".to_owned(), "-c".to_owned(), format!("head -c {} > {to}", bytes.len())];
        let attach = AttachParams::default().container("postgres").stdin(true).stdout(false);
        let process = arena.api::<Pod>().exec(&format!("{name}-0"), program, &attach).await;
        let mut process = process.map_err(|error| chain(&error))?;
        let mut stdin = process.stdin().ok_or("it takes no input")?;
        stdin.write_all(&bytes).await.map_err(|error| error.to_string())?;
        stdin.flush().await.map_err(|error| error.to_string())?;
        let ended = process.take_status().ok_or("it does not tell how it ended")?.await;
        let ended = ended.and_then(|status| status.status).unwrap_or_default();
        if ended == "Success" { Ok(()) } else { Err(format!("it ended with {ended:?}")) }
    };
    sent.await.map_err(|error: String| {
        Failure::new(format!("{} can be copied into {name}-0", from.display()), error)
    })
}

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
            start(arena, name, &["psql", "-U", "postgres", "-d", "app", "-c", statement], false).await;
        let session = session.map_err(|error| Failure::new("a session that locks a table", error))?;
        until(NOTICED, "the table is locked", async || {
            let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'kept'::regclass";
            match sql(arena, name, "app", held).await {
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
        let count = sql(self.arena, self.name, "app", waiting).await?;
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
        sql(self.arena, self.name, "app", end).await?;
        self.session.abort();
        Ok(())
    }
}
