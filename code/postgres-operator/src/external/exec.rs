//! Running a program in a server's pod.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{AttachParams, AttachedProcess},
};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    task::JoinHandle,
    time::timeout,
};

/// For a program that only looks.
const LOOK_WITHIN: Duration = Duration::from_secs(15);
/// What is kept of a program's complaints.
const STDERR_BYTES: u64 = 16 * 1024;

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The API server, the kubelet or the container did not start it.
    #[error("the program was not started")]
    NotStarted(#[source] Box<kube::Error>),
    /// It started, and the connection broke before it told how it ended.
    #[error("the connection to the pod broke")]
    Broken(#[source] io::Error),
    /// It takes too long.
    #[error("the program did not end within {} s", LOOK_WITHIN.as_secs())]
    Timeout,
    /// It ended and said that it failed.
    #[error("the program failed: {stderr}")]
    Failed {
        /// What it wrote to standard error.
        stderr: String,
    },
}

/// A program that runs in a pod.
pub struct Running {
    process: AttachedProcess,
    complaints: JoinHandle<String>,
}

/// Starts a program in a pod's postgres container. From then on its complaints are read: kube holds a kilobyte of them, and hands
/// on nothing else of the program until somebody has taken it.
pub async fn start(
    pods: &Api<Pod>,
    pod: &str,
    program: &[String],
    stdout: bool,
) -> Result<Running, ExecError> {
    let attach = AttachParams::default().container("postgres").stdout(stdout).stderr(true);
    let process = pods.exec(pod, program, &attach).await;
    let mut process = process.map_err(|source| ExecError::NotStarted(Box::new(source)))?;
    let stderr = process.stderr();
    let complaints = tokio::spawn(async move {
        let Some(stderr) = stderr else { return String::new() };
        let mut bytes = Vec::new();
        let mut first = stderr.take(STDERR_BYTES);
        let _ = first.read_to_end(&mut bytes).await;
        // The rest must go somewhere: a program that cannot write stands still.
        let _ = tokio::io::copy(&mut first.into_inner(), &mut tokio::io::sink()).await;
        String::from_utf8_lossy(&bytes).trim().to_owned()
    });
    Ok(Running { process, complaints })
}

impl Running {
    /// What it prints, if it was started so. To be taken once.
    pub fn stdout(&mut self) -> Option<impl AsyncRead + Unpin + use<>> {
        self.process.stdout()
    }

    /// Gives it up.
    pub fn abort(&self) {
        self.process.abort();
        self.complaints.abort();
    }

    /// Waits for its end: for its complaints, and for its own word on how it went. Without that word it has failed: a connection
    /// that breaks must not pass for a program that is done.
    pub async fn end(mut self) -> Result<(), ExecError> {
        let status = match self.process.take_status() {
            Some(status) => status.await,
            None => None,
        };
        let stderr = self.complaints.await.unwrap_or_default();
        match status.as_ref().and_then(|status| status.status.as_deref()) {
            Some("Success") => Ok(()),
            Some(_) => Err(ExecError::Failed { stderr }),
            None => Err(ExecError::Broken(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

/// Runs a program that only looks.
pub async fn look(pods: &Api<Pod>, pod: &str, program: &[String]) -> Result<(), ExecError> {
    let run = async { start(pods, pod, program, false).await?.end().await };
    timeout(LOOK_WITHIN, run).await.map_err(|_| ExecError::Timeout)?
}

/// PostgreSQL's own complaint in what a program wrote: the words after the last `FATAL:` or `ERROR:`. Times and process ids
/// before it would make a new message of each try. A server that finds settings at odds has no log yet, and signs with its name.
pub fn complaint(stderr: &str) -> Option<String> {
    let after = |line: &str| {
        let marked = ["FATAL:", "ERROR:", "error:"].into_iter().find_map(|mark| line.split_once(mark));
        let words = marked.map(|(_, words)| words).or_else(|| line.strip_prefix("postgres: "))?;
        Some(words.trim().chars().take(300).collect::<String>())
    };
    stderr.lines().rev().find_map(after).filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_what_postgresql_says_without_time_and_process() {
        for (stderr, expected) in [
            (
                "2026-11-22 19:00:00.000 UTC [77] LOG:  starting\n2026-11-22 19:00:00.001 UTC [77] FATAL:  unrecognized configuration parameter \"x\"\n",
                Some("unrecognized configuration parameter \"x\""),
            ),
            ("pg_dump: error: connection failed", Some("connection failed")),
            ("postgres: max_wal_senders is too large", Some("max_wal_senders is too large")),
            ("it is all well", None),
            ("FATAL:", None),
        ] {
            assert_eq!(complaint(stderr).as_deref(), expected);
        }
    }
}
