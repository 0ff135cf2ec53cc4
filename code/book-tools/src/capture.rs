//! Runs the commands of session files, and records or compares what they print.

use crate::console::{self, Section};
use regex::Regex;
use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

/// Runs a session in one shell per file, in the repository's root, so that `cd`, variables and background jobs carry over from
/// command to command. Returns the sections with what was printed this time, and hands over each one when it ends.
pub fn run(
    root: &Path,
    sections: &[Section],
    mut ended: impl FnMut(&Section) -> Result<(), String>,
) -> Result<Vec<Section>, String> {
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
    let mut output = BufReader::new(shell.stdout.take().ok_or("bash has no output")?);
    let mut recorded = sections.to_vec();
    for section in &mut recorded {
        for step in &mut section.steps {
            let printed = until(&mut output, MARK).map_err(|error| error.to_string())?;
            step.output = printed.ok_or_else(|| format!("the shell ended before `{}`", step.command))?;
        }
        ended(section)?;
    }
    shell.wait().map_err(|error| error.to_string())?;
    Ok(recorded)
}

/// The lines before a mark, without empty ones around them; nothing where the output ends before it.
fn until(output: &mut impl BufRead, mark: &str) -> io::Result<Option<Vec<String>>> {
    let mut printed = String::new();
    loop {
        let mut line = Vec::new();
        if output.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        if line.trim_end() == mark {
            let lines = printed.trim_matches('\n').lines();
            return Ok(Some(lines.map(|line| line.trim_end().to_owned()).collect()));
        }
        printed.push_str(&line);
    }
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
        (r"\d+ (writes|tries), the first", "$1, the first"),
        (r"of \d+ writes", "of all writes"),
        (r"\d+ bytes", "bytes"),
        // How often, and through which phases on the way, depends on how busy the machine is.
        (r"^( +seen +)\d+$", "${1}COUNT"),
        (r"\bPending → .*", "PHASES"),
        // A login that is due just when a server is lost shows as one more phase: the lines are then the same, and count once.
        (r#""(Ready" → "(Verifying|Deploying)|Verifying" → "Deploying)""#, "LOST"),
        (r"\(generation \d+ to \d+\)", "(GENERATIONS)"),
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

/// Records a file, or with `check` compares it: the sections of these names, or all. Returns what differs. Each section is
/// written when it ends, so that a recording that is cut short is not lost.
pub fn file(root: &Path, path: &Path, only: &[String], check: bool) -> Result<Vec<String>, String> {
    let error = |error: io::Error| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(error)?;
    let comment = text.split("\n## ").next().unwrap_or_default();
    let mut all = console::parse(&text).map_err(|message| format!("{}: {message}", path.display()))?;
    let wanted = |section: &&Section| only.is_empty() || only.contains(&section.name);
    let sections: Vec<Section> = all.iter().filter(wanted).cloned().collect();
    if check {
        return Ok(differences(&sections, &run(root, &sections, |_| Ok(()))?));
    }
    run(root, &sections, |section| {
        for old in all.iter_mut().filter(|old| old.name == section.name) {
            old.clone_from(section);
        }
        fs::write(path, console::print(comment, &all)).map_err(error)
    })?;
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_share_a_shell_and_each_gets_its_output() {
        let sections =
            console::parse("## a\n$ x=1\n$ echo one; echo two >&2\n## b\n$ echo $x\nold\n").unwrap();
        let mut ended = Vec::new();
        let recorded = run(Path::new("."), &sections, |section| {
            ended.push(section.name.clone());
            Ok(())
        });
        let recorded = recorded.unwrap();
        assert_eq!(ended, ["a", "b"]);
        let outputs: Vec<_> =
            recorded.iter().flat_map(|section| &section.steps).map(|step| step.output.join("|")).collect();
        assert_eq!(outputs, ["", "one|two", "1"]);
        assert_eq!(differences(&sections, &recorded).len(), 2);
        assert_eq!(differences(&recorded, &recorded), [""; 0]);
    }

    #[test]
    fn what_was_recorded_before_a_recording_is_cut_short_stays() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let written = |text: &str| fs::write(file.path(), text).unwrap();
        let record = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            super::file(Path::new("."), file.path(), &only, false)
        };
        written("About.\n\n## a\n$ echo 1\n\n## b\n$ exit\n\n## c\n$ echo 3\nold\n");
        assert_eq!(record(&[]).unwrap_err(), "the shell ended before `exit`");
        let text = fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, "About.\n\n## a\n$ echo 1\n1\n\n## b\n$ exit\n\n## c\n$ echo 3\nold\n");
        record(&["c"]).unwrap();
        assert!(fs::read_to_string(file.path()).unwrap().ends_with("$ echo 3\n3\n"));
    }

    #[test]
    fn a_login_that_is_due_when_a_server_is_lost_is_no_difference() {
        let section = |lines: &str| console::parse(&format!("## a\n$ timeline\n{lines}")).unwrap();
        let lost = section("~ phase \"Ready\" → \"Deploying\"\n");
        let asked = section("~ phase \"Ready\" → \"Verifying\"\n~ phase \"Verifying\" → \"Deploying\"\n");
        assert_eq!(differences(&lost, &asked), [""; 0]);
        assert_eq!(differences(&lost, &section("~ phase \"Ready\" → \"Updating\"\n")).len(), 1);
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
