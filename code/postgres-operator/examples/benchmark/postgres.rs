//! One PostgreSQL that stands for all: it has the role and the database of the defaults, and trusts every login.

use crate::process::Process;
use std::{
    error::Error,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// An address of its own on the loopback interface: the usual one may have a PostgreSQL already.
pub(crate) const ADDRESS: &str = "127.0.0.77";

/// PostgreSQL refuses to run as root. The program takes the place of `setpriv`, so it is the one that is killed at the end.
const AS_POSTGRES: [&str; 4] = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];

pub(crate) async fn start(folder: &Path) -> Result<Process, Box<dyn Error>> {
    let programs = newest()?;
    let data = folder.join("postgres");
    std::fs::create_dir(&data)?;
    let as_postgres = |program: &str| {
        let mut command = Command::new("setpriv");
        command.args(AS_POSTGRES).arg(programs.join(program));
        command
    };
    Command::new("chown").arg("postgres").arg(&data).status()?;
    Command::new("chmod").args(["755"]).arg(folder).status()?;
    let made = as_postgres("initdb").args(["--auth=trust", "--no-sync", "-D"]).arg(&data).output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into());
    }
    let data_text = data.display().to_string();
    let server = programs.join("postgres").display().to_string();
    let (listen, sockets) =
        (format!("listen_addresses={ADDRESS}"), format!("unix_socket_directories={data_text}"));
    // Its shared memory is in its folder, and goes with it: in /dev/shm a server that is killed leaves its own behind.
    let shared = "dynamic_shared_memory_type=mmap";
    let server = [&*server, "-D", &data_text, "-c", &listen, "-c", &sockets, "-c", "fsync=off", "-c", shared];
    let process =
        Process::start("postgres", folder, Path::new("setpriv"), &[&AS_POSTGRES, &server[..]].concat(), &[])?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect((ADDRESS, 5432)).is_err() {
        if Instant::now() > deadline {
            return Err("PostgreSQL does not listen".into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    for sql in ["CREATE ROLE app LOGIN", "CREATE DATABASE app OWNER app"] {
        let done = as_postgres("psql").args(["-h", ADDRESS, "-d", "postgres", "-qc", sql]).output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into());
        }
    }
    Ok(process)
}

fn newest() -> Result<PathBuf, Box<dyn Error>> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .map_err(|_| "PostgreSQL is missing: apt-get install postgresql")?;
    let newest = versions.flatten().map(|entry| entry.path().join("bin")).max();
    Ok(newest.ok_or("PostgreSQL is missing: apt-get install postgresql")?)
}
