//! Named pieces of source files, between `ANCHOR: name` and `ANCHOR_END: name` in comments.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A named piece of a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The file, relative to the root.
    pub file: PathBuf,
    /// First line of the piece, counted from 1.
    pub first: usize,
    /// Last line.
    pub last: usize,
    /// Its lines.
    pub text: Vec<String>,
}

/// A mistake in the sources.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file or folder.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Two anchors have one name.
    #[error("{second}: anchor `{name}` is already in {first}")]
    Duplicate {
        /// The name.
        name: String,
        /// Where it was seen first.
        first: String,
        /// Where it stands again.
        second: String,
    },
    /// An anchor does not end in its file.
    #[error("{place}: anchor `{name}` has no end")]
    Unclosed {
        /// The name.
        name: String,
        /// Where it starts.
        place: String,
    },
    /// An end has no start before it.
    #[error("{place}: the end of anchor `{name}` has no start")]
    Unopened {
        /// The name.
        name: String,
        /// Where it stands.
        place: String,
    },
    /// There is nothing between start and end.
    #[error("{place}: anchor `{name}` is empty")]
    Empty {
        /// The name.
        name: String,
        /// Where it starts.
        place: String,
    },
}

/// All anchors of the Rust files below some folders of `root`, by name.
pub fn scan(root: &Path, folders: &[&str]) -> Result<BTreeMap<String, Anchor>, AnchorError> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut anchors = BTreeMap::<String, Anchor>::new();
    for path in files {
        let text = fs::read_to_string(&path).map_err(|source| read_error(&path, source))?;
        let file = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
        for (name, anchor) in in_file(&file, &text)? {
            if let Some(first) = anchors.get(&name) {
                return Err(AnchorError::Duplicate {
                    name,
                    first: place(&first.file, first.first - 1),
                    second: place(&file, anchor.first - 1),
                });
            }
            anchors.insert(name, anchor);
        }
    }
    Ok(anchors)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), AnchorError> {
    let error = |source| read_error(folder, source);
    for entry in fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The anchors of one file, in order.
fn in_file(file: &Path, text: &str) -> Result<Vec<(String, Anchor)>, AnchorError> {
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let here = || place(file, index + 1);
        if let Some(name) = marker(line, "ANCHOR:") {
            open.push((name, index + 1));
        } else if let Some(name) = marker(line, "ANCHOR_END:") {
            let position = open.iter().position(|(opened, _)| *opened == name);
            let Some(position) = position else { return Err(AnchorError::Unopened { name, place: here() }) };
            let (name, start) = open.remove(position);
            let text: Vec<String> = lines[start..index]
                .iter()
                .filter(|line| !is_marker(line))
                .map(|line| (*line).to_owned())
                .collect();
            if text.iter().all(|line| line.trim().is_empty()) {
                return Err(AnchorError::Empty { name, place: place(file, start) });
            }
            found.push((name, Anchor { file: file.to_path_buf(), first: start + 1, last: index, text }));
        }
    }
    match open.pop() {
        Some((name, line)) => Err(AnchorError::Unclosed { name, place: place(file, line) }),
        None => Ok(found),
    }
}

/// The name behind a marker, if the line is a comment with one.
fn marker(line: &str, marker: &str) -> Option<String> {
    let name = line.trim().strip_prefix("//")?.trim().strip_prefix(marker)?.trim();
    Some(name.to_owned())
}

/// Whether a line is a marker of either kind.
pub(crate) fn is_marker(line: &str) -> bool {
    marker(line, "ANCHOR:").or_else(|| marker(line, "ANCHOR_END:")).is_some()
}

fn place(file: &Path, line: usize) -> String {
    format!("{}:{line}", file.display())
}

fn read_error(path: &Path, source: io::Error) -> AnchorError {
    AnchorError::Read { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(files: &[(&str, &str)]) -> Result<BTreeMap<String, Anchor>, String> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join("code").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        scan(root.path(), &["code"]).map_err(|error| error.to_string())
    }

    #[test]
    fn an_anchor_is_the_lines_between_its_markers() {
        let found = scanned(&[(
            "a/src/lib.rs",
            "one\n// ANCHOR: x\ntwo\n    // ANCHOR: y\nthree\n    // ANCHOR_END: y\n// ANCHOR_END: x\n",
        )])
        .unwrap();
        let x = &found["x"];
        assert_eq!((x.file.to_str().unwrap(), x.first, x.last), ("code/a/src/lib.rs", 3, 6));
        assert_eq!(x.text, ["two", "three"]);
        assert_eq!(found["y"].text, ["three"]);
    }

    #[test]
    fn mistakes_name_the_file_and_the_line() {
        for (files, expected) in [
            (vec![("a.rs", "// ANCHOR: x\n1\n")], "code/a.rs:1: anchor `x` has no end"),
            (vec![("a.rs", "1\n// ANCHOR_END: x\n")], "code/a.rs:2: the end of anchor `x` has no start"),
            (vec![("a.rs", "// ANCHOR: x\n\n// ANCHOR_END: x\n")], "code/a.rs:1: anchor `x` is empty"),
            (
                vec![
                    ("a.rs", "// ANCHOR: x\n1\n// ANCHOR_END: x\n"),
                    ("b.rs", "\n// ANCHOR: x\n1\n// ANCHOR_END: x\n"),
                ],
                "code/b.rs:2: anchor `x` is already in code/a.rs:1",
            ),
        ] {
            assert_eq!(scanned(&files).unwrap_err(), expected);
        }
    }
}
