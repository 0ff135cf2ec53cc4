//! What a final backup leaves in the store, and whether the rows are in it.

use crate::check::{Arena, Failure};
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// The rows that a database is given before it is deleted, as its own user's.
pub(super) const MAKE_ROWS: &str = "SET ROLE app; CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id";
/// What [`restore`] finds of them.
pub(super) const ALL_ROWS: &str = "1000 rows, sum 500500";

/// Where the Databases of a check have their backups.
pub(super) fn destination(arena: &Arena) -> String {
    format!("file://{}", store(arena).display())
}

/// The same as a folder.
pub(super) fn store(arena: &Arena) -> PathBuf {
    arena.backups().join("store")
}

/// The folder of a Database's name.
pub(super) fn folder(arena: &Arena, name: &str) -> PathBuf {
    store(arena).join(&arena.namespace).join(name)
}

/// Puts a file into the store, as an earlier life or somebody else could have.
pub(super) fn put(path: &Path) -> Result<(), Failure> {
    let made =
        path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, "PGDMP"));
    made.map_err(|error| Failure::new(format!("{} can be written", path.display()), error.to_string()))
}

/// The backups of a Database's name.
pub(super) fn dumps(arena: &Arena, name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(arena, name)).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "dump")).collect();
    found.sort();
    found
}

/// The one backup of a Database's name.
pub(super) fn only_dump(arena: &Arena, name: &str) -> Result<PathBuf, Failure> {
    let found = dumps(arena, name);
    match found.as_slice() {
        [one] => Ok(one.clone()),
        found => {
            let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
            Err(Failure::new(format!("exactly one backup of {name}"), format!("{}: {names:?}", found.len())))
        }
    }
}

/// Size and SHA-256 of a backup, which has to be what the text beside it says.
pub(super) fn measured(dump: &Path) -> Result<(i64, String), Failure> {
    let read = |path: &Path| {
        std::fs::read(path)
            .map_err(|error| Failure::new(format!("{} can be read", path.display()), error.to_string()))
    };
    let bytes = read(dump)?;
    let sum = Sha256::digest(&bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let beside = read(&dump.with_extension("dump.sha256"))?;
    let beside = String::from_utf8_lossy(&beside).split_whitespace().next().unwrap_or_default().to_owned();
    if beside != sum {
        return Err(Failure::new(
            "the checksum beside the backup",
            format!("{beside}, and the backup has {sum}"),
        ));
    }
    Ok((i64::try_from(bytes.len()).unwrap_or(i64::MAX), sum))
}

/// Restores a backup into a database of its own in a running server, and counts its rows.
pub(super) async fn restore(arena: &Arena, server: &str, dump: &Path) -> Result<String, Failure> {
    let database = format!("restored_{}", Alphanumeric.sample_string(&mut rand::rng(), 10).to_lowercase());
    let file = format!("/tmp/{database}.dump");
    arena.send_file(server, dump, &file).await?;
    arena.sql(server, &format!("CREATE DATABASE {database}")).await?;
    let restore = ["pg_restore", "-U", "postgres", "--exit-on-error", "-d", &database, &file];
    arena.in_pod(server, &restore).await?;
    if arena.sql_in(server, &database, "SELECT to_regclass('kept') IS NULL").await? == "t" {
        return Ok("a database without the table".into());
    }
    let count = "SELECT count(*) || ' rows, sum ' || coalesce(sum(id), 0) FROM kept";
    arena.sql_in(server, &database, count).await
}
