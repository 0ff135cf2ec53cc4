//! The operator as a process, which can be killed.

use crate::target::Target;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_postgres-operator");

/// How much of a log is shown when a test fails.
const LAST_WORDS: u64 = 16 * 1024;

/// An operator that runs. It is killed when this is dropped.
pub(crate) struct Operator {
    process: Child,
    log: File,
}

impl Operator {
    /// Starts one that watches a namespace.
    pub(crate) fn start(target: &Target, namespace: &str, backups: &Path) -> Self {
        Self::spawn(target.command(PROGRAM), target, namespace, backups)
    }

    /// Starts one that sees a disk of one megabyte in place of a folder, in a mount namespace of its own.
    pub(crate) fn start_with_small_disk(
        target: &Target,
        namespace: &str,
        backups: &Path,
        folder: &Path,
    ) -> Self {
        let mount = r#"mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@""#;
        let mut command = target.command("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "--", "sh", "-c", mount])
            .arg(folder)
            .arg(PROGRAM);
        Self::spawn(command, target, namespace, backups)
    }

    fn spawn(mut command: Command, target: &Target, namespace: &str, backups: &Path) -> Self {
        let log = tempfile::tempfile().unwrap();
        command.args(["run", "--namespace", namespace, "--requeue", "10", "--concurrency", "4"]);
        command.args(["--reach", target.reach(), "--file-backups"]).arg(backups);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap());
        Self { process: command.spawn().unwrap(), log }
    }

    /// A folder as it sees it.
    pub(crate) fn sees(&self, folder: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.process.id(), folder.display()))
    }

    /// Ends it between two of its instructions, whatever they are: with SIGKILL, as the kernel does when memory is short.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn last_words(&mut self) -> std::io::Result<String> {
        let end = self.log.metadata()?.len();
        self.log.seek(SeekFrom::Start(end.saturating_sub(LAST_WORDS)))?;
        let mut bytes = Vec::new();
        self.log.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the operator's log:\n{}", self.last_words().unwrap_or_default());
        }
    }
}
