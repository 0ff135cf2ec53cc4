//! What this machine lacks, and the command that installs it.

use crate::cluster;
use std::process::ExitCode;
use tokio::process::Command;

/// The oldest Rust that the course compiles with; `rust-version` of the workspace.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Looks for each tool, prints a line for it, and fails if one that is needed is missing.
pub(crate) async fn run() -> Result<ExitCode, String> {
    let rust = version("rustc", &["--version"]).await;
    let engine = first(&[
        ("docker", &["version", "--format", "docker {{.Server.Version}}"]),
        ("podman", &["--version"]),
    ])
    .await;
    let kubectl = version("kubectl", &["version", "--client"]).await;
    let mdbook = version("mdbook", &["--version"]).await;
    let cluster = kind_cluster().await;
    // What makes clusters matters only as long as there is none.
    let made = cluster.as_ref().map(|_| "not found, and not needed while the cluster answers".to_owned());
    let kind = version("kind", &["version"]).await;
    let tools = "./scripts/setup-dev-environment.sh";
    let findings = [
        (format!("Rust {RUST} or later"), rust.filter(|found| at_least(found, RUST)), "rustup update stable"),
        ("kubectl".into(), kubectl, tools),
        ("Docker or Podman".into(), engine.or(made.clone()), tools),
        ("kind".into(), kind.or(made), tools),
        ("mdBook".into(), mdbook, tools),
        ("a kind cluster".into(), cluster, "./scripts/setup-kind-cluster.sh"),
    ];
    for (what, found, install) in &findings {
        match found {
            Some(found) => println!("  ✓ {what:<18} {found}"),
            None => println!("  ✗ {what:<18} missing, install it with: {install}"),
        }
    }
    println!();
    if findings.iter().all(|(_, found, _)| found.is_some()) {
        println!("Everything is there. Next: cargo course check 4.1 --solution");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("Install what is missing with the commands above, then run cargo course doctor again.");
        Ok(ExitCode::FAILURE)
    }
}

async fn first(commands: &[(&str, &[&str])]) -> Option<String> {
    for (program, arguments) in commands {
        if let Some(found) = version(program, arguments).await {
            return Some(found);
        }
    }
    None
}

/// The first line that a command prints, if it succeeds.
async fn version(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

async fn kind_cluster() -> Option<String> {
    let cluster = cluster::connect(&cluster::ClusterOptions::kind()).await.ok()?;
    Some(cluster.to_string())
}

/// Compares the first version number in a text with the one that is needed.
fn at_least(found: &str, needed: &str) -> bool {
    let numbers = |text: &str| {
        text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>()
    };
    let first = found.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    first.is_some_and(|found| numbers(found) >= numbers(needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (found, needed, expected) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", "1.95", true),
            ("rustc 1.100.1 (abc)", "1.95", true),
            ("rustc 1.94.9", "1.95", false),
            ("no version", "1.95", false),
        ] {
            assert_eq!(at_least(found, needed), expected, "{found}");
        }
    }
}
