//! A backup from a server's pod to the store: streamed, under a temporary name, and whole before it gets its own.

use super::{
    exec::{self, ExecError, complaint},
    store::{Destination, PARTIAL, StoreError},
};
use crate::{api::BackupRecord, error::chain};
use jiff::Timestamp;
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Time};
use kube::Api;
use object_store::{buffered::BufWriter, path::Path};
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use std::{fmt::Write, io, pin::pin, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// No byte for so long means that nothing comes any more.
const STALLED_AFTER: Duration = Duration::from_mins(1);
/// What is held of a dump at a time; the smallest part of an upload that S3 takes.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// One backup to take.
pub struct Job {
    /// Pods of the Database's namespace.
    pub pods: Api<Pod>,
    /// The pod to take it from.
    pub pod: String,
    /// The database in it.
    pub database: String,
    /// Where it goes.
    pub destination: Destination,
    /// Its name there.
    pub path: Path,
    /// The same for people.
    pub location: String,
}

/// Why there is no backup. The texts are for conditions.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// `pg_dump` did not start, or its connection broke.
    #[error("pg_dump could not be run in the pod")]
    Exec(#[source] ExecError),
    /// `pg_dump` failed.
    #[error("pg_dump: {0}")]
    Dump(String),
    /// The stream broke.
    #[error("the dump stopped half-way")]
    Stream(#[source] io::Error),
    /// The stream stands still, or does not begin.
    #[error("the dump stands still")]
    Stalled,
    /// The operator ends.
    #[error("the operator ended before the dump did")]
    Stopped,
    /// The store holds less than what was sent.
    #[error("the backup store holds {stored} bytes of {sent}")]
    Incomplete {
        /// Bytes in the store.
        stored: u64,
        /// Bytes of the dump.
        sent: u64,
    },
}

/// The name of the text beside a backup that holds its checksum, as `sha256sum --check` reads it.
pub fn checksum_path(backup: &Path) -> Path {
    Path::from(format!("{backup}.sha256"))
}

/// Takes a backup. It has its own name only when it is whole: whoever finds that name finds a backup. When `stop` ends before the
/// dump does, the dump is given up, and what it has sent with it.
pub async fn dump(job: &Job, stop: impl Future<Output = ()>) -> Result<BackupRecord, DumpError> {
    // Two operators that both believe to lead must not write to one name: the second one's bytes would get the first one's checksum.
    let partial =
        Path::from(format!("{}{PARTIAL}{}", job.path, Alphanumeric.sample_string(&mut rand::rng(), 8)));
    let (bytes, sha256) = upload(job, &partial, stop).await?;
    let stored = job.destination.find(&partial).await?.map_or(0, |object| object.size);
    if stored != bytes {
        return Err(DumpError::Incomplete { stored, sent: bytes });
    }
    let name = job.path.filename().unwrap_or_default();
    job.destination.write(&checksum_path(&job.path), format!("{sha256}  {name}\n")).await?;
    job.destination.rename(&partial, &job.path).await?;
    if let Err(error) = job.destination.remove_partials(&job.path).await {
        // The backup is whole all the same.
        tracing::warn!(error = chain(&error), "what earlier tries left of the backup stays");
    }
    Ok(record(job.location.clone(), bytes, sha256, Timestamp::now()))
}

/// What the status says of a backup.
pub fn record(location: String, bytes: u64, sha256: String, completed_at: Timestamp) -> BackupRecord {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    BackupRecord { location, bytes, sha256, completed_at: Time(completed_at) }
}

async fn upload(job: &Job, to: &Path, stop: impl Future<Output = ()>) -> Result<(u64, String), DumpError> {
    let program =
        ["pg_dump", "--username=postgres", "--format=custom", "--dbname", &job.database].map(str::to_owned);
    let mut stop = pin!(stop);
    let started = tokio::select! {
        started = timeout(STALLED_AFTER, exec::start(&job.pods, &job.pod, &program, true)) => started,
        () = &mut stop => return Err(DumpError::Stopped),
    };
    let mut process = started.map_err(|_| DumpError::Stalled)?.map_err(DumpError::Exec)?;
    // One part at a time: the default of eight would hold forty megabytes for each dump.
    let mut writer = BufWriter::with_capacity(job.destination.store.clone(), to.clone(), PART_BYTES)
        .with_max_concurrency(1);
    let sent = match process.stdout() {
        Some(mut stdout) => tokio::select! {
            sent = copy(&mut stdout, &mut writer, &job.destination) => sent,
            () = &mut stop => Err(DumpError::Stopped),
        },
        None => Err(DumpError::Stream(io::ErrorKind::BrokenPipe.into())),
    };
    // The end of the stream is not the end of the dump: only pg_dump's own word is.
    let ended = match sent {
        Ok(sent) => match timeout(STALLED_AFTER, process.end()).await {
            Ok(Ok(())) => Ok(sent),
            Ok(Err(ExecError::Failed { stderr })) => Err(DumpError::Dump(
                complaint(&stderr).unwrap_or_else(|| "it failed and does not say why".into()),
            )),
            Ok(Err(error)) => Err(DumpError::Exec(error)),
            Err(_) => Err(DumpError::Stalled),
        },
        Err(error) => {
            process.abort();
            Err(error)
        }
    };
    match ended {
        // What fails here cannot be aborted any more: the writer has given the upload away.
        Ok(sent) => job.destination.ask_long(writer.shutdown()).await.map(|()| sent).map_err(DumpError::from),
        Err(error) => {
            // Parts of an upload that nobody completes cost money in a real store.
            let _ = job.destination.ask(writer.abort()).await;
            Err(error)
        }
    }
}

async fn copy(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut BufWriter,
    destination: &Destination,
) -> Result<(u64, String), DumpError> {
    let (mut hasher, mut bytes, mut chunk) = (Sha256::new(), 0_u64, vec![0; 64 * 1024]);
    let mut parts = 0;
    loop {
        let count = timeout(STALLED_AFTER, from.read(&mut chunk))
            .await
            .map_err(|_| DumpError::Stalled)?
            .map_err(DumpError::Stream)?;
        if count == 0 {
            break;
        }
        hasher.update(&chunk[..count]);
        bytes += count as u64;
        if bytes / PART_BYTES as u64 > parts {
            // Each part that is full is a request.
            parts += 1;
            destination.turn().await;
        }
        timeout(STALLED_AFTER, to.write_all(&chunk[..count]))
            .await
            .map_err(|_| DumpError::Store(StoreError::Silent))?
            .map_err(StoreError::from)?;
    }
    let hex = hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Ok((bytes, hex))
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<object_store::Error>() {
            Ok(error) => error.into(),
            Err(error) => object_store::Error::Generic { store: "backup", source: Box::new(error) }.into(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{api::Backup, external::store::Guard};
    use kube::{Client, Config};
    use std::{collections::BTreeMap, future::pending, path::PathBuf, sync::Arc};
    use tokio::{net::TcpListener, time::Instant};

    /// A job whose API server takes connections, and never answers for as long as the listener lives.
    pub(crate) async fn silent() -> (Job, TcpListener) {
        crate::install_crypto();
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config::new(format!("http://{}", silent.local_addr().unwrap()).parse().unwrap());
        let backup = Backup { destination: "file:///backups".into(), secret_name: None };
        let root = PathBuf::from("/");
        let guard = Arc::new(Guard::default());
        let destination = Destination::open(&backup, "shop", BTreeMap::new(), Some(&root), guard).unwrap();
        let job = Job {
            pods: Api::namespaced(Client::try_from(config).unwrap(), "shop"),
            pod: "orders-0".into(),
            database: "app".into(),
            path: destination.final_backup("shop", "orders", "uid-1"),
            location: String::new(),
            destination,
        };
        (job, silent)
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_does_not_start_is_not_waited_for_for_ever() {
        let (job, _silent) = silent().await;
        let started = Instant::now();
        let error = dump(&job, pending()).await.unwrap_err();
        assert!(matches!(error, DumpError::Stalled), "{error:?}");
        assert!(started.elapsed() < STALLED_AFTER * 2);
    }
}
