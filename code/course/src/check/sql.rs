//! Asking the database itself, past the operator: with psql, in the pod.

use super::{Arena, Failure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::AttachParams;
use postgres_operator::error::chain;
use std::time::Duration;
use tokio::{io::AsyncReadExt, time::timeout};

/// psql starts, asks and ends.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

impl Arena {
    /// What the primary of a Database answers to a statement, columns divided by `|`, a row a line.
    pub(crate) async fn sql(&self, database: &str, statement: &str) -> Result<String, Failure> {
        self.sql_as("user=postgres dbname=postgres", database, statement).await
    }

    /// The same as somebody else: `who` is a connection string.
    pub(crate) async fn sql_as(&self, who: &str, database: &str, statement: &str) -> Result<String, Failure> {
        let failed = |why: String| Failure::new(format!("{database}-0 answers {statement:?}"), why);
        let asked = timeout(ANSWERS_WITHIN, self.psql(who, &format!("{database}-0"), statement)).await;
        asked.map_err(|_| failed("it does not answer".into()))?.map_err(failed)
    }

    async fn psql(&self, who: &str, pod: &str, statement: &str) -> Result<String, String> {
        let program = ["psql", "-d", who, "-v", "ON_ERROR_STOP=1", "-Atc", statement];
        let attach = AttachParams::default().container("postgres").stdout(true).stderr(true);
        let process = self.api::<Pod>().exec(pod, program, &attach).await;
        let mut process = process.map_err(|error| chain(&error))?;
        let (mut printed, mut complaints) = (String::new(), String::new());
        let (stdout, stderr, status) = (process.stdout(), process.stderr(), process.take_status());
        let (mut stdout, mut stderr) = stdout.zip(stderr).ok_or("psql has no output")?;
        // Both at once: kube holds a little of each, and nothing else of the program until somebody has taken it.
        let read =
            tokio::try_join!(stdout.read_to_string(&mut printed), stderr.read_to_string(&mut complaints));
        read.map_err(|error| chain(&error))?;
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        match status.and_then(|status| status.status).as_deref() {
            Some("Success") => Ok(printed.trim().to_owned()),
            _ => Err(complaints.trim().to_owned()),
        }
    }
}
