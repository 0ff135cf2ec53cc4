//! Puts a lab back to its starter. What the reader wrote is kept first.

use crate::{
    labs::Lab,
    package,
    progress::{self, Progress},
};
use jiff::Timestamp;
use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Asks, keeps a copy, and restores the lab from the repository's history.
pub(crate) fn run(lab: Lab, yes: bool) -> Result<ExitCode, String> {
    let root = package::root();
    let folder = format!("labs/{}", lab.folder());
    let starter = starter(&root, &folder)?;
    if !yes && !agrees(&folder)? {
        println!("nothing is changed");
        return Ok(ExitCode::SUCCESS);
    }
    let kept = keep(&root.join(&folder), lab)?;
    git(&root, &["restore", "--source", &starter, "--worktree", "--", &folder])?;
    let mut progress = Progress::load();
    progress.forget(lab);
    progress.save()?;
    println!("{folder} is the starter again; your files are in {}", kept.display());
    Ok(ExitCode::SUCCESS)
}

fn agrees(folder: &str) -> Result<bool, String> {
    if !std::io::stdin().is_terminal() {
        return Err("there is no terminal to ask at: pass --yes if you mean it".into());
    }
    print!("Put {folder} back to the starter? Your files are kept in .course/kept. [y/N] ");
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| error.to_string())?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The commit that has the starter: a reader may have committed work of their own since. It is the newest of those that leave the
/// most to do.
fn starter(root: &Path, folder: &str) -> Result<String, String> {
    let commits = git(root, &["log", "--format=%H", "--", folder])?;
    let todos = |commit: &str| {
        let found = git(root, &["grep", "--count", "todo!(\"task", commit, "--", folder]).unwrap_or_default();
        found.lines().filter_map(|line| line.rsplit(':').next()?.parse::<usize>().ok()).sum::<usize>()
    };
    let mut best: Option<(usize, &str)> = None;
    for commit in commits.lines() {
        let count = todos(commit);
        if best.is_none_or(|(most, _)| count > most) {
            best = Some((count, commit));
        }
    }
    match best {
        Some((count, commit)) if count > 0 => Ok(commit.to_owned()),
        _ => Err(format!("the history of this repository has no starter of {folder}: clone it anew")),
    }
}

/// Copies the reader's files to a folder of their own.
fn keep(folder: &Path, lab: Lab) -> Result<PathBuf, String> {
    let name = format!("{}-{}", lab.folder(), Timestamp::now().strftime("%Y%m%dT%H%M%SZ"));
    let to = progress::folder().join("kept").join(name);
    copy(folder, &to).map_err(|error| format!("cannot keep your files in {}: {error}", to.display()))?;
    Ok(to)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn git(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git").args(arguments).current_dir(root).output();
    let output = output.map_err(|error| format!("cannot run git: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_is_found_behind_the_readers_own_commits() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let commit = |text: &str| {
            std::fs::create_dir_all(root.join("labs/x")).unwrap();
            std::fs::write(root.join("labs/x/a.rs"), text).unwrap();
            git(root, &["add", "."]).unwrap();
            git(
                root,
                &["-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--message", "x"],
            )
            .unwrap();
            git(root, &["rev-parse", "HEAD"]).unwrap().trim().to_owned()
        };
        git(root, &["init", "--quiet"]).unwrap();
        commit("todo!(\"task 1\")\n");
        let starter_commit = commit("todo!(\"task 1\")\ntodo!(\"task 2\")\n");
        commit("todo!(\"task 2\")\n");
        assert_eq!(starter(root, "labs/x").unwrap(), starter_commit);
        assert!(starter(root, "labs/none").unwrap_err().contains("no starter"));
    }
}
