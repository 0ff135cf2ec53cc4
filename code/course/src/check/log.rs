//! The operator's log, which is read as it grows: of a long one, a look costs what has come since the last.

use super::{Pass, shown};
use serde_json::Value;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// How many lines of a log are shown.
const LINES: usize = 4;
/// What `todo!` says, with the task's number after it.
const TODO: &str = "not yet implemented: task ";

/// A file that operators append to, one after the other.
pub(super) struct Log {
    path: PathBuf,
    known: Mutex<Known>,
}

/// What has been read.
#[derive(Default)]
struct Known {
    bytes: u64,
    /// The beginning of a line that is not written to its end.
    rest: Vec<u8>,
    passes: Vec<Pass>,
}

impl Known {
    fn read_on(&mut self, file: &mut (impl Read + Seek)) -> std::io::Result<()> {
        file.seek(SeekFrom::Start(self.bytes))?;
        self.bytes += u64::try_from(file.read_to_end(&mut self.rest)?).unwrap_or_default();
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        let lines = String::from_utf8_lossy(&lines);
        self.passes.extend(lines.lines().filter_map(Pass::of));
        Ok(())
    }
}

impl Log {
    /// An empty one.
    pub(super) fn create(path: PathBuf) -> Result<Self, String> {
        File::create(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(Self { path, known: Mutex::default() })
    }

    /// For a process to write to.
    pub(super) fn end(&self) -> Result<File, String> {
        let file = File::options().append(true).open(&self.path);
        file.map_err(|error| format!("cannot write {}: {error}", self.path.display()))
    }

    /// Looks at the passes so far.
    pub(super) fn passes<T>(&self, look: impl FnOnce(&[Pass]) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be read now is read the next time.
        let _ = File::open(&self.path).and_then(|mut file| known.read_on(&mut file));
        look(&known.passes)
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        std::fs::read(&self.path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The last lines that are not routine. Of what is not written yet, what comes first in the lab.
    pub(super) fn last_words(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.text().lines().filter_map(noteworthy).collect();
        let mut missing: Vec<String> = lines.iter().filter_map(|line| missing_task(line)).collect();
        if missing.is_empty() {
            lines.dedup();
            return lines.split_off(lines.len().saturating_sub(LINES));
        }
        missing.sort();
        missing.dedup();
        missing.truncate(LINES);
        missing
    }

    /// The first line with a text in it.
    pub(super) fn line_with(&self, words: &str) -> Option<String> {
        self.text().lines().find(|line| line.contains(words)).map(str::to_owned)
    }

    /// What the last pass that panicked said, or the one that met the lab's first missing task.
    pub(super) fn panic(&self) -> Option<String> {
        let panics: Vec<String> = self.text().lines().filter_map(panicked).collect();
        let first = panics.iter().filter(|panic| missing_task(panic).is_some()).min();
        first.or(panics.last()).cloned()
    }

    /// Where it is, for messages.
    pub(super) fn shown(&self) -> String {
        shown(&self.path)
    }
}

/// Warnings and errors, and lines that are not the log's, a panic for example.
fn noteworthy(line: &str) -> Option<String> {
    let Ok(entry) = serde_json::from_str::<Value>(line) else {
        let routine = line.trim().is_empty() || line.starts_with("note: run with");
        return (!routine).then(|| line.to_owned());
    };
    let level = entry["level"].as_str()?;
    if !matches!(level, "WARN" | "ERROR") {
        return None;
    }
    let text = |key: &str| entry[key].as_str().map(|text| format!(": {text}")).unwrap_or_default();
    let message = entry["message"].as_str().unwrap_or_default();
    Some(format!("{message}{}{}{}", text("what"), text("answer"), text("error")))
}

/// The task that a line says is not done.
fn missing_task(line: &str) -> Option<String> {
    line.find(TODO).map(|at| line[at..].to_owned())
}

/// A pass that panicked, with the words of its panic.
fn panicked(line: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let error = entry["error"].as_str()?;
    error.find("the pass panicked: ").map(|at| error[at..].replacen("the pass", "a pass", 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn routine_lines_are_left_out() {
        for (line, expected) in [
            (r#"{"level":"INFO","message":"reconciled"}"#, None),
            (
                r#"{"level":"WARN","message":"refused","what":"Service a","answer":"quota"}"#,
                Some("refused: Service a: quota"),
            ),
            (
                r#"{"level":"ERROR","message":"failed","error":"the pass panicked"}"#,
                Some("failed: the pass panicked"),
            ),
            ("thread 'main' panicked at src/report.rs", Some("thread 'main' panicked at src/report.rs")),
            ("", None),
        ] {
            assert_eq!(noteworthy(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn the_first_missing_task_is_told_first() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = Log::create(file.path().to_owned()).unwrap();
        let error =
            |text: &str| format!("{{\"level\":\"ERROR\",\"message\":\"failed\",\"error\":\"{text}\"}}\n");
        let lines = ["cut off", "not yet implemented: task 5: b", "not yet implemented: task 3: a"];
        let twice: String = lines.iter().chain(&lines).map(|text| error(text)).collect();
        std::fs::write(file.path(), twice).unwrap();
        assert_eq!(log.last_words(), [lines[2], lines[1]]);
        std::fs::write(file.path(), error("cut off").repeat(2)).unwrap();
        assert_eq!(log.last_words(), ["failed: cut off"]);
    }

    #[test]
    fn a_panic_is_told_in_its_own_words() {
        for (line, expected) in [
            (
                r#"{"error":"the pass panicked: not yet implemented: task 2"}"#,
                Some("a pass panicked: not yet implemented: task 2"),
            ),
            (r#"{"error":"the API server does not answer"}"#, None),
            ("thread 'main' panicked at src/report.rs", None),
        ] {
            assert_eq!(panicked(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_line_counts_once_it_is_whole() {
        let line = |name: &str| {
            format!(
                r#"{{"timestamp":"2026-01-01T00:00:00Z","message":"reconciled","span":{{"database":"{name}","namespace":"shop"}}}}"#
            )
        };
        let (first, second) = (line("one"), line("two"));
        let (mut known, mut file) = (Known::default(), Cursor::new(Vec::new()));
        let mut names = |more: &str| {
            file.get_mut().extend_from_slice(more.as_bytes());
            known.read_on(&mut file).unwrap();
            known.passes.iter().map(|pass| pass.database.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&format!("{first}\nnot JSON\n{}", &second[..20])), ["one"]);
        assert_eq!(names(&second[20..]), ["one"], "its end may be missing");
        assert_eq!(names("\n"), ["one", "two"]);
    }
}
