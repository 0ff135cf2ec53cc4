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
        let dead = run_of(&name).is_some_and(|(id, started)| start_of(id).as_deref() != Some(started));
        if dead && let Err(error) = fs::remove_dir_all(entry.path()) {
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

/// The process whose folder has this name, and its start. None for what no run has made: that is nobody's to remove.
fn run_of(name: &str) -> Option<(&str, &str)> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let (id, rest) = name.split_once('-')?;
    let (started, run) = rest.split_once('.').unwrap_or((rest, "0"));
    [id, started, run].into_iter().all(is_number).then_some((id, started))
}

/// When a process started: with its id it is unique until the machine restarts, and /tmp goes with that.
fn start_of(id: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, may hold spaces. The start is the 22nd field, the 20th after the name.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::run_of;

    #[test]
    fn names_of_folders_as_a_table() {
        for (name, expected) in [
            ("12-345", Some(("12", "345"))),
            ("12-345.1", Some(("12", "345"))),
            ("12-345.", None),
            ("12-345.1.2", None),
            ("12-", None),
            ("-345", None),
            ("photos-2024", None),
            ("letters", None),
        ] {
            assert_eq!(run_of(name), expected, "{name}");
        }
    }
}
