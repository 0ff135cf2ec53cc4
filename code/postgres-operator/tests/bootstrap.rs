//! What the script that sets up a volume decides, with programs in place of PostgreSQL's.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

const SCRIPT: &str = include_str!("../src/resources/bootstrap.sh");
/// Tells that the script has come as far as to make a data directory.
const INITDB: i32 = 99;

fn program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs the script on an empty volume of the primary, where every standby answers to `pg_isready` with a status.
fn bootstrap(heard: i32) -> Output {
    let folder = tempfile::tempdir().unwrap();
    program(folder.path(), "pg_isready", &format!("exit {heard}"));
    program(folder.path(), "initdb", &format!("exit {INITDB}"));
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-c", SCRIPT])
        .env("PATH", path)
        .env("PGDATA", folder.path().join("pgdata"))
        .env("HOSTNAME", "orders-0")
        .env("PRIMARY_DOMAIN", "orders-pods")
        .env("SUPERUSER_PASSWORD", "x")
        .output()
        .unwrap()
}

#[test]
fn an_empty_primary_is_made_only_where_no_standby_has_data() {
    // <https://www.postgresql.org/docs/current/app-pg-isready.html>
    for (heard, what) in [(0, "takes connections"), (1, "starts up")] {
        let output = bootstrap(heard);
        assert_eq!(output.status.code(), Some(1), "a standby that {what}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.starts_with("ERROR: standby 1 has data and this volume has none"), "{told}");
    }
    for (heard, what) in [(2, "no answer"), (3, "no such host")] {
        let output = bootstrap(heard);
        assert_eq!(output.status.code(), Some(INITDB), "{what}: {output:?}");
    }
}
