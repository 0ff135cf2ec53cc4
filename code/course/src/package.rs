//! Building a package of the workspace, and running what was built.

use crate::stop::{INTERRUPTED, Stop};
use serde_json::Value;
use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

/// The root of the workspace that cargo runs this command in; by itself, of the one that it was built in. Clones can share a
/// target directory, and then this program too.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(package).join("../..").canonicalize().unwrap_or_default()
}

/// What `cargo run` tells its program about itself. A build script of ring asks for some of these: a second cargo that
/// inherits them takes ring for changed, and compiles it and all that stands on it anew.
const OF_THE_CALLER: [&str; 8] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// Builds a package and returns the path of its program. cargo's own messages go to standard error as they are.
///
/// It is built together with this command: alone it would need fewer features of the crates that both use, and cargo would
/// compile all of them once more.
pub(crate) async fn build(package: &str, stop: &Stop) -> Result<PathBuf, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in OF_THE_CALLER {
        cargo.env_remove(name);
    }
    cargo
        .args([
            "build",
            "--quiet",
            "--message-format=json-render-diagnostics",
            "--package",
            "course",
            "--package",
            package,
        ])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = async {
        // Not `output()`, which would keep cargo's messages to itself.
        let child = cargo.spawn().map_err(|error| format!("cannot run cargo: {error}"))?;
        child.wait_with_output().await.map_err(|error| format!("cannot wait for cargo: {error}"))
    };
    let output = stop.or(output).await?;
    if !output.status.success() {
        // A terminal's Ctrl-C ends cargo as well, which may be heard of first.
        let failed = || format!("{package} does not compile");
        return Err(if stop.is_asked() { INTERRUPTED.to_owned() } else { failed() });
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let name = Some(OsStr::new(package));
    let mut programs = messages.lines().filter_map(|line| {
        serde_json::from_str::<Value>(line).ok()?["executable"].as_str().map(PathBuf::from)
    });
    programs.rfind(|program| program.file_name() == name).ok_or_else(|| format!("{package} has no program"))
}

/// Becomes a program: signals and the terminal are then its own. Returns only if that fails, with the reason.
pub(crate) fn become_program(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> String {
    let error = std::process::Command::new(program).args(arguments).exec();
    format!("cannot run {}: {error}", program.display())
}
