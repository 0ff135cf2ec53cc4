//! Folders of sandboxes: each run has its own, and removes those of runs that have ended without doing so.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Makes the folder of this run below a common one, and removes what the dead left.
pub(crate) fn own_folder(common: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(common)?;
    for entry in fs::read_dir(common)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (id, started) = name.split_once('-').unwrap_or_default();
        let started = started.split('.').next();
        let dead = start_of(id).as_deref() != started;
        if dead && let Err(error) = fs::remove_dir_all(entry.path()) {
            // Another user's.
            tracing::debug!("cannot remove {}: {error}", entry.path().display());
        }
    }
    let id = std::process::id().to_string();
    let started = start_of(&id).unwrap_or_default();
    let folder = (0..).map(|run| {
        common.join(format!("{id}-{started}{}", if run == 0 { String::new() } else { format!(".{run}") }))
    });
    for folder in folder {
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// When a process started: with its id it is unique until the machine restarts, and /tmp goes with that.
fn start_of(id: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, may hold spaces. The start is the 22nd field, the 20th after the name.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}
