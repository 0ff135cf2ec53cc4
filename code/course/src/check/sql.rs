//! Asking a database itself, past the operator: with programs in the pod of its first server.

use super::{Arena, Failure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::AttachParams;
use postgres_operator::{
    error::chain,
    external::exec::{self, Running},
};
use std::{path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// A program starts, does its work and ends.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

impl Arena {
    /// What the primary of a Database answers to a statement, columns divided by `|`, a row a line.
    pub(crate) async fn sql(&self, name: &str, statement: &str) -> Result<String, Failure> {
        self.sql_in(name, "postgres", statement).await
    }

    /// The same in one of its databases.
    pub(crate) async fn sql_in(
        &self,
        name: &str,
        database: &str,
        statement: &str,
    ) -> Result<String, Failure> {
        self.sql_as(&format!("user=postgres dbname={database}"), name, statement).await
    }

    /// The same as somebody else: `who` is a connection string.
    pub(crate) async fn sql_as(&self, who: &str, name: &str, statement: &str) -> Result<String, Failure> {
        let psql = ["psql", "-v", "ON_ERROR_STOP=1", "-Atqd", who, "-c", statement];
        let failed = |failure| Failure { expected: format!("{name}-0 answers {statement:?}"), ..failure };
        self.in_pod(name, &psql).await.map_err(failed)
    }

    /// What a program prints in the first pod of a Database.
    pub(crate) async fn in_pod(&self, name: &str, program: &[&str]) -> Result<String, Failure> {
        let output = async {
            let mut running = self.start_in_pod(name, program, true).await?;
            let mut text = String::new();
            if let Some(mut stdout) = running.stdout() {
                stdout.read_to_string(&mut text).await.map_err(|error| chain(&error))?;
            }
            running.end().await.map_err(|error| chain(&error))?;
            Ok(text.trim().to_owned())
        };
        let output = timeout(ENDS_WITHIN, output).await.unwrap_or_else(|_| Err("it does not end".into()));
        output
            .map_err(|error: String| Failure::new(format!("{} works in {name}-0", program.join(" ")), error))
    }

    /// A program that runs in the first pod of a Database.
    pub(crate) async fn start_in_pod(
        &self,
        name: &str,
        program: &[&str],
        stdout: bool,
    ) -> Result<Running, String> {
        let program: Vec<String> = program.iter().map(|&word| word.to_owned()).collect();
        let started = exec::start(&self.api::<Pod>(), &format!("{name}-0"), &program, stdout).await;
        started.map_err(|error| chain(&error))
    }

    /// Copies a file into the first pod of a Database.
    pub(crate) async fn send_file(&self, name: &str, from: &Path, to: &str) -> Result<(), Failure> {
        let sent = async {
            let bytes = std::fs::read(from).map_err(|error| error.to_string())?;
            // It is told where to stop: not every API server passes on that an input has ended.
            let program = ["sh".to_owned(), "-c".to_owned(), format!("head -c {} > {to}", bytes.len())];
            let attach = AttachParams::default().container("postgres").stdin(true).stdout(false);
            let process = self.api::<Pod>().exec(&format!("{name}-0"), program, &attach).await;
            let mut process = process.map_err(|error| chain(&error))?;
            let mut stdin = process.stdin().ok_or("it takes no input")?;
            stdin.write_all(&bytes).await.map_err(|error| error.to_string())?;
            stdin.flush().await.map_err(|error| error.to_string())?;
            let ended = process.take_status().ok_or("it does not tell how it ended")?.await;
            let ended = ended.and_then(|status| status.status).unwrap_or_default();
            if ended == "Success" { Ok(()) } else { Err(format!("it ended with {ended:?}")) }
        };
        let expected = || format!("{} can be copied into {name}-0", from.display());
        sent.await.map_err(|error: String| Failure::new(expected(), error))
    }
}
