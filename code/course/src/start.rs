//! Where the reader is, and what comes next.

use crate::{doctor, labs::Lab, progress::Progress};
use std::process::ExitCode;

/// Looks for the tools, shows the progress of each lab, and names the next step.
pub(crate) async fn run() -> Result<ExitCode, String> {
    let tools = doctor::run().await?;
    let progress = Progress::load();
    println!();
    for lab in Lab::ALL {
        println!("{}", line(lab, &progress));
    }
    println!();
    match progress.next() {
        Some((lab, check)) => println!(
            "Next: the lesson {lab} in the book (cargo course book), then labs/{}, then cargo course check {lab} --only {check}",
            lab.folder()
        ),
        None => println!("Every check has passed. What did the broken operators do? cargo course break 1"),
    }
    Ok(tools)
}

/// A lab's progress in a line.
pub(crate) fn line(lab: Lab, progress: &Progress) -> String {
    let checks = lab.lesson().checks;
    let passed = checks.iter().filter(|check| progress.has(lab, check.name)).count();
    let bar: String =
        checks.iter().map(|check| if progress.has(lab, check.name) { '■' } else { '□' }).collect();
    format!("  Lab {lab}  {bar:<10} {passed} of {} checks pass", checks.len())
}
