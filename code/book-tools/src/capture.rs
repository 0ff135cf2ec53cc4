//! Runs the commands of session files, and records or compares what they print.

use crate::console::{self, Section};
use regex::Regex;
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Runs a session in one shell per file, in the repository's root, so that `cd`, variables and background jobs carry over from
/// command to command. Returns the sections with what was printed this time.
pub fn run(root: &Path, sections: &[Section]) -> Result<Vec<Section>, String> {
    // Between two commands the shell prints a line that no command prints.
    const MARK: &str = "\u{1}next\u{1}";
    // What `cargo run` told this program about itself would make the session's own cargo compile ring, whose build script
    // asks for it, and all that stands on ring anew.
    const FRESH: &str = "unset CARGO_MANIFEST_DIR CARGO_MANIFEST_LINKS CARGO_MANIFEST_PATH ${!CARGO_PKG_@}";
    let mut lines = vec!["exec 2>&1".to_owned(), FRESH.to_owned()];
    for step in sections.iter().flat_map(|section| &section.steps) {
        lines.extend([step.command.clone(), format!("printf '\\n{MARK}\\n'")]);
    }
    let script = lines.join("\n") + "\n";
    let mut shell = Command::new("bash")
        .current_dir(root)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("cannot run bash: {error}"))?;
    if let Some(mut input) = shell.stdin.take() {
        input.write_all(script.as_bytes()).map_err(|error| error.to_string())?;
    }
    let output = shell.wait_with_output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut outputs = text.split(MARK).map(|part| part.trim_matches('\n').to_owned());
    let mut recorded = sections.to_vec();
    for step in recorded.iter_mut().flat_map(|section| &mut section.steps) {
        let printed = outputs.next().ok_or_else(|| format!("the shell ended before `{}`", step.command))?;
        step.output = printed.lines().map(|line| line.trim_end().to_owned()).collect();
    }
    Ok(recorded)
}

/// Where two recordings of a session differ in more than what differs from run to run.
pub fn differences(before: &[Section], after: &[Section]) -> Vec<String> {
    let mut found = Vec::new();
    for (before, after) in before.iter().zip(after) {
        for (old, new) in before.steps.iter().zip(&after.steps) {
            let mask = |lines: &[String]| {
                let mut lines: Vec<String> = lines.iter().map(|line| masked(line)).collect();
                lines.dedup();
                lines
            };
            let (old_lines, new_lines) = (mask(&old.output), mask(&new.output));
            if old_lines != new_lines {
                let text = |lines: &[String]| lines.join("\n    ");
                found.push(format!(
                    "{}: $ {}\n  recorded:\n    {}\n  now:\n    {}",
                    before.name,
                    old.command,
                    text(&old.output),
                    text(&new.output)
                ));
            }
        }
    }
    found
}

/// A line without times, ages, versions of the cluster, addresses, random names and the width of columns.
fn masked(line: &str) -> String {
    let rules = [
        // What a check that passes has measured.
        (r"^( +✓ \S+) .*", "$1"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+\d\d)?", "TIME"),
        (r"\b(\d+(\.\d+)? ?(ms|s|m|h|d))+\b", "SPAN"),
        (r"\bv1\.\d+\.\d+\b", "VERSION"),
        (r"\bduration_ms=\d+", "SPAN"),
        (r"\b\d+\.\d+\.\d+\.\d+\b", "ADDRESS"),
        (r"target/course/\w+", "target/course/RUN"),
        (r"course-4-\d-\w{5}", "course-RUN"),
        (r"over \d+ versions", "over versions"),
        (r"\d+ writes, the first", "writes, the first"),
        (r"of \d+ writes", "of all writes"),
        (r"\d+ bytes", "bytes"),
        // How often, and through which phases on the way, depends on how busy the machine is.
        (r"^( +seen +)\d+$", "${1}COUNT"),
        (r"\bPending → .*", "PHASES"),
        (r"\d+ tries in \d+ passes", "tries in passes"),
        // What lies around a failure depends on the moment.
        (r"^ +(object|event|log|panic|timeline|whole log) .*", "EVIDENCE"),
        (r" {2,}", "  "),
    ];
    let fold = |line: String, (pattern, name): (&str, &str)| match Regex::new(pattern) {
        Ok(pattern) => pattern.replace_all(&line, name).into_owned(),
        Err(_) => line,
    };
    rules.into_iter().fold(line.to_owned(), fold)
}

/// Records a file, or with `check` compares it. Returns what differs.
pub fn file(root: &Path, path: &Path, check: bool) -> Result<Vec<String>, String> {
    let error = |error: std::io::Error| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(error)?;
    let comment = text.split("\n## ").next().unwrap_or_default();
    let sections = console::parse(&text).map_err(|message| format!("{}: {message}", path.display()))?;
    let recorded = run(root, &sections)?;
    if check {
        return Ok(differences(&sections, &recorded));
    }
    std::fs::write(path, console::print(comment, &recorded)).map_err(error)?;
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_share_a_shell_and_each_gets_its_output() {
        let sections =
            console::parse("## a\n$ x=1\n$ echo one; echo two >&2\n## b\n$ echo $x\nold\n").unwrap();
        let recorded = run(Path::new("."), &sections).unwrap();
        let outputs: Vec<_> =
            recorded.iter().flat_map(|section| &section.steps).map(|step| step.output.join("|")).collect();
        assert_eq!(outputs, ["", "one|two", "1"]);
        assert_eq!(differences(&sections, &recorded).len(), 2);
        assert_eq!(differences(&recorded, &recorded), [""; 0]);
    }

    #[test]
    fn what_differs_from_run_to_run_is_no_difference() {
        for (one, two) in [
            ("orders   True   12s", "orders   True     3m5s"),
            ("at 2026-11-22T16:40:39Z", "at 2026-11-23T01:02:03Z"),
            (
                "  ✓ no-hot-loop   74.2 s  in 60 s: 0 writes, 6 reconciles, 0 reads",
                "  ✓ no-hot-loop   8.1 s  in 7 s: 0 writes, 5 reconciles, 0 reads",
            ),
            ("(Kubernetes v1.20.2)", "(Kubernetes v1.35.0)"),
            ("      seen      2", "      seen      3"),
            (
                "      seen      Pending → Failed → Ready",
                "      seen      Pending → Deploying → Failed → Ready",
            ),
        ] {
            assert_eq!(masked(one), masked(two));
        }
        assert_ne!(masked("Ready  True"), masked("Ready  False"));
        assert_ne!(masked("7 passed, 0 failed"), masked("6 passed, 1 failed"));
    }
}
