//! The programs that are asked what they can do.

use serde_json::Value;
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// `cargo course` and the operator, built.
pub(super) struct Programs {
    course: PathBuf,
    operator: PathBuf,
}

/// Builds both, in one go: each alone would need fewer features of the crates that both use, and cargo would compile those twice.
pub(super) fn build(root: &Path) -> Result<Programs, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What `cargo run` told this program about itself would make cargo compile ring, and all that stands on it, anew.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    let output = cargo
        .args(["build", "--quiet", "--message-format=json-render-diagnostics"])
        .args(["--package", "course", "--package", "postgres-operator"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err("the programs that the reference is made of do not compile".into());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let programs: Vec<PathBuf> = messages
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<Value>(line).ok()?["executable"].as_str().map(PathBuf::from)
        })
        .collect();
    let find = |name: &str| {
        let found = programs.iter().find(|path| path.file_name().is_some_and(|file| file == name));
        found.cloned().ok_or_else(|| format!("cargo built no {name}"))
    };
    Ok(Programs { course: find("course")?, operator: find("postgres-operator")? })
}

impl Programs {
    /// What `cargo course` prints.
    pub(super) fn course(&self, arguments: &[&str]) -> Result<String, String> {
        printed(&self.course, arguments)
    }

    /// What the operator's program prints.
    pub(super) fn operator(&self, arguments: &[&str]) -> Result<String, String> {
        printed(&self.operator, arguments)
    }
}

fn printed(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let command = || format!("{} {}", program.display(), arguments.join(" "));
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("{}: {error}", command()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", command(), String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{}: {error}", command()))
}
