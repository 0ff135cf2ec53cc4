//! What this machine lacks, what for, and the command that installs it.

use crate::cluster;
use postgres_operator::error::chain;
use sandbox_nodes::{Nodes, Options, Pods};
use std::process::ExitCode;
use tokio::process::Command;

/// The oldest Rust that the course compiles with; `rust-version` of the workspace.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");
const SETUP: &str = "./scripts/setup-dev-environment.sh";

/// Something that was looked for.
struct Finding {
    what: String,
    found: Option<String>,
    /// Who does without it can do all the rest.
    needed_for: &'static str,
    install: String,
}

impl Finding {
    fn new(what: &str, found: Option<String>, needed_for: &'static str, install: impl Into<String>) -> Self {
        Self { what: what.to_owned(), found, needed_for, install: install.into() }
    }

    fn told(&self) -> String {
        match &self.found {
            Some(found) => format!("  ✓ {:<20} {found}", self.what),
            None => {
                format!("  ✗ {:<20} missing, needed for {}: {}", self.what, self.needed_for, self.install)
            }
        }
    }
}

/// Looks for each tool, prints a line for it, and fails if there is nothing to run a lab on.
pub(crate) async fn run() -> Result<ExitCode, String> {
    let rust = version("rustc", &["--version"]).await.filter(|found| at_least(found, RUST));
    let (cluster, sandbox) = (kind_cluster().await, sandbox());
    let can_build = rust.is_some();
    let (in_kind, in_the_sandbox) = (cluster.is_some(), sandbox.found.is_some());
    let mut findings = vec![
        Finding::new(&format!("Rust {RUST} or later"), rust, "everything", "rustup update stable"),
        sandbox,
    ];
    findings.extend(kind(cluster).await);
    let kubectl = version("kubectl", &["version", "--client"]).await;
    findings.push(Finding::new("kubectl", kubectl, "looking around in a cluster", SETUP));
    let mdbook = version("mdbook", &["--version"]).await;
    findings.push(Finding::new("mdBook", mdbook, "cargo course book", SETUP));
    for finding in &findings {
        println!("{}", finding.told());
    }
    println!("\n{}", verdict(can_build, in_kind, in_the_sandbox));
    Ok(if can_build && (in_kind || in_the_sandbox) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What to do with what there is.
fn verdict(can_build: bool, in_kind: bool, in_the_sandbox: bool) -> &'static str {
    match (can_build, in_kind, in_the_sandbox) {
        (false, ..) => {
            "Without Rust there is nothing to start with. Install it, then run cargo course doctor again."
        }
        (_, true, _) => "The labs run on kind. Next: cargo course check 4.1 --solution",
        (_, _, true) => "The labs run in the sandbox. Next: cargo course check 4.1 --solution --on sandbox",
        _ => {
            "Labs need a kind cluster or the sandbox. Install what one of them needs, then run cargo course doctor again."
        }
    }
}

/// PostgreSQL's programs, and user namespaces to run them in.
fn sandbox() -> Finding {
    let needs = Nodes::new(Options { pods: Pods::postgres() });
    let found = needs.as_ref().ok().map(|_| "PostgreSQL servers of this machine are its pods".to_owned());
    let install = needs.err().map(|error| chain(&error)).unwrap_or_default();
    Finding::new("the sandbox", found, "--on sandbox with real servers", install)
}

/// A kind cluster, and what makes one. That matters only as long as there is none.
async fn kind(cluster: Option<String>) -> [Finding; 3] {
    let made = cluster.as_ref().map(|_| "not found, and not needed while the cluster answers".to_owned());
    let engine = first(&[
        ("docker", &["version", "--format", "docker {{.Server.Version}}"]),
        ("podman", &["--version"]),
    ])
    .await;
    let kind = version("kind", &["version"]).await;
    let needed_for = "--on kind";
    [
        Finding::new("a kind cluster", cluster, needed_for, "./scripts/setup-kind-cluster.sh"),
        Finding::new("Docker or Podman", engine.or(made.clone()), needed_for, SETUP),
        Finding::new("kind", kind.or(made), needed_for, SETUP),
    ]
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
    fn one_of_kind_and_the_sandbox_will_do() {
        for (can_build, in_kind, in_the_sandbox, expected) in [
            (true, true, false, "run on kind"),
            (true, false, true, "run in the sandbox"),
            (true, false, false, "need a kind cluster or the sandbox"),
            (false, true, true, "Without Rust"),
        ] {
            let told = verdict(can_build, in_kind, in_the_sandbox);
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn what_is_missing_is_told_with_what_it_is_for() {
        let missing = Finding::new("kind", None, "--on kind", SETUP).told();
        assert!(missing.contains("needed for --on kind") && missing.ends_with(SETUP), "{missing}");
    }

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
