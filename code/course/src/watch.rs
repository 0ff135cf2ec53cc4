//! Checks a lab again whenever a file of it is saved.

use crate::{
    check::{self, CheckOptions},
    cluster::ClusterOptions,
    labs::{Lab, Target},
    package,
    stop::Stop,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};
use tokio::time::{MissedTickBehavior, interval};

/// A save is seen this soon.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Checks, waits for a save, and checks again, until somebody ends it. An operator that does not compile is no end: the next save
/// may mend it.
pub(crate) async fn run(
    lab: Lab,
    cluster: &ClusterOptions,
    options: &CheckOptions,
    stop: &Stop,
) -> Result<ExitCode, String> {
    let folder = package::root().join("labs").join(lab.folder());
    loop {
        let seen = files(&folder);
        // A check that is ended takes away what it has made, so it is not dropped here.
        let checked = check::run(lab, &Target::Lab, cluster, options, stop).await;
        if stop.is_asked() {
            return Ok(ExitCode::SUCCESS);
        }
        if let Err(error) = checked {
            eprintln!("error: {error}");
        }
        println!("\nWaiting for a file of labs/{} to be saved; Ctrl-C ends it", lab.folder());
        tokio::select! {
            () = changed(&folder, &seen) => {}
            () = stop.asked() => return Ok(ExitCode::SUCCESS),
        }
    }
}

async fn changed(folder: &Path, seen: &[(PathBuf, SystemTime)]) {
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if files(folder) != seen {
            return;
        }
    }
}

/// The files of a lab and when each was saved, in order.
fn files(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push(entry.path());
            } else if let Ok(saved) = about.modified() {
                found.push((entry.path(), saved));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_save_a_new_file_and_a_file_that_goes_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let src = folder.path().join("src");
        std::fs::create_dir(&src).unwrap();
        let mut seen = files(folder.path());
        let later = SystemTime::now() + Duration::from_secs(5);
        let save = |name: &str| {
            let file = std::fs::File::create(src.join(name)).unwrap();
            file.set_modified(later).unwrap();
        };
        for change in [
            (|save: &dyn Fn(&str), _: &Path| save("a.rs")) as fn(&dyn Fn(&str), &Path),
            |_, src| {
                let file = std::fs::File::options().write(true).open(src.join("a.rs")).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            },
            |_, src| std::fs::remove_file(src.join("a.rs")).unwrap(),
        ] {
            change(&save, &src);
            let within = tokio::time::timeout(Duration::from_secs(5), changed(folder.path(), &seen)).await;
            assert!(within.is_ok());
            seen = files(folder.path());
        }
    }
}
