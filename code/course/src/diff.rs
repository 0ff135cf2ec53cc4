//! Shows how two versions of a lab differ, with git.

use crate::{labs::Lab, package};
use std::process::{Command, ExitCode};

/// Your lab against its solution, or with `before` the solution against the one before it.
pub(crate) fn run(lab: Lab, before: bool) -> Result<ExitCode, String> {
    let solution = |lab: Lab| format!("solutions/{}/src", lab.folder());
    let old = if before {
        let earlier = Lab::ALL.into_iter().rfind(|other| *other < lab);
        solution(earlier.ok_or_else(|| format!("lab {lab} is the first: there is no solution before it"))?)
    } else {
        format!("labs/{}/src", lab.folder())
    };
    let shown = Command::new("git")
        .args(["diff", "--no-index", "--stat", "--patch", "--", &old, &solution(lab)])
        .current_dir(package::root())
        .status()
        .map_err(|error| format!("cannot run git: {error}"))?;
    match shown.code() {
        Some(0) => {
            println!("they are the same");
            Ok(ExitCode::SUCCESS)
        }
        // git says 1 for files that differ.
        Some(1) => Ok(ExitCode::SUCCESS),
        _ => Err("git could not compare them".into()),
    }
}
