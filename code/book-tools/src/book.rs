//! Puts a whole book together: every chapter's snippets, sessions and diagrams, and what no chapter shows.

use crate::{
    Audience,
    anchors::{self, Anchor},
    console::{self, Section},
    diagram, references, snippet, sources,
};
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Folders whose Rust files have anchors.
const SOURCES: [&str; 3] = ["code", "labs", "solutions"];

/// What chapters can show, and what they have shown.
pub struct Library {
    root: PathBuf,
    audience: Audience,
    repository: Option<String>,
    anchors: BTreeMap<String, Anchor>,
    sessions: BTreeMap<String, Section>,
    used: BTreeSet<String>,
}

impl Library {
    /// Reads the sources and the sessions of the book in `root/book`.
    pub fn read(root: &Path, audience: Audience, repository: Option<String>) -> Result<Self, String> {
        let anchors = anchors::scan(root, &SOURCES).map_err(|error| error.to_string())?;
        let sessions = console::scan(&root.join("book")).map_err(|error| error.to_string())?;
        Ok(Self { root: root.to_path_buf(), audience, repository, anchors, sessions, used: BTreeSet::new() })
    }

    /// A chapter with everything in its place. `path` is its file, for messages.
    pub fn expand(&mut self, path: &str, chapter: &str) -> Result<String, String> {
        let directive = Regex::new(r"^\{\{#(\w+) ([^}]+)\}\}$").map_err(|error| error.to_string())?;
        let mut out = String::new();
        let mut fence: Option<Fence> = None;
        for (index, line) in chapter.lines().enumerate() {
            let at = |message: String| format!("{path}:{}: {message}", index + 1);
            if let Some(mut open) = fence.take() {
                if line.trim() == "```" {
                    out.push_str(&open.close().map_err(at)?);
                } else {
                    open.lines.push(line.to_owned());
                    fence = Some(open);
                }
                continue;
            }
            if opens_rust(line) {
                return Err(at(
                    "Rust is not typed into the book: give it an anchor and use {{#snippet NAME}}".into(),
                ));
            }
            if let Some(info) = line.strip_prefix("```") {
                fence = Some(Fence { info: info.to_owned(), lines: Vec::new(), first: index + 1 });
            } else if let Some(found) = directive.captures(line.trim()) {
                out.push_str(&self.show(&found[1], &found[2]).map_err(at)?);
            } else if line.contains("{{#") {
                return Err(at("a directive stands on a line of its own, `{{#kind name}}`".into()));
            } else {
                let chapter = Path::new(path.strip_prefix("book/").unwrap_or(path));
                out.push_str(&references::link(line, chapter, &self.root.join("book")));
                out.push('\n');
            }
        }
        match fence {
            Some(open) => Err(format!("{path}:{}: the block ```{} is not closed", open.first, open.info)),
            None => Ok(out),
        }
    }

    fn show(&mut self, kind: &str, name: &str) -> Result<String, String> {
        let shown = match kind {
            "snippet" => {
                let anchor = self.anchors.get(name).ok_or_else(|| format!("there is no anchor `{name}`"))?;
                if anchor.text.len() > snippet::MOST_LINES {
                    let (lines, most) = (anchor.text.len(), snippet::MOST_LINES);
                    return Err(format!("snippet `{name}` has {lines} lines, more than {most}"));
                }
                snippet::render(anchor, &self.root, self.audience, self.repository.as_deref())
                    .map_err(|error| error.to_string())?
            }
            "console" => {
                let section =
                    self.sessions.get(name).ok_or_else(|| format!("there is no session `{name}`"))?;
                console::render(section)
            }
            "symptom" => {
                let section =
                    self.sessions.get(name).ok_or_else(|| format!("there is no session `{name}`"))?;
                self.used.insert(format!("console {name}"));
                console::symptom(section)
                    .ok_or_else(|| format!("session `{name}` shows no check that fails"))?
            }
            "function" => self.function(name)?,
            other => return Err(format!("there is no directive `{other}`")),
        };
        self.used.insert(format!("{kind} {name}"));
        Ok(shown)
    }

    /// A whole function, or an implementation, `FILE NAME`. Only readers get it: its crate compiles it.
    fn function(&self, name: &str) -> Result<String, String> {
        let (file, name) = name.split_once(' ').ok_or("a function is named by its file and its name")?;
        let text = fs::read_to_string(self.root.join(file)).map_err(|error| format!("{file}: {error}"))?;
        let (first, last) = sources::item(&text, name)
            .ok_or_else(|| format!("{file} has no function or implementation `{name}`"))?;
        if self.audience == Audience::Compiler {
            return Ok(String::new());
        }
        let lines = text.lines().skip(first - 1).take(last + 1 - first);
        let text = lines.filter(|line| !anchors::is_marker(line)).map(str::to_owned).collect();
        let anchor = Anchor { file: file.into(), first, last, text };
        snippet::render(&anchor, &self.root, self.audience, self.repository.as_deref())
            .map_err(|error| error.to_string())
    }

    /// Fails if something was prepared for the book and no chapter shows it.
    pub fn all_used(&self) -> Result<(), String> {
        let anchors = self.anchors.iter().filter(|(name, _)| !self.used.contains(&format!("snippet {name}")));
        let anchors = anchors.map(|(name, it)| {
            format!("{}:{}: no chapter shows anchor `{name}`", it.file.display(), it.first - 1)
        });
        // One that was never recorded has nothing to show yet.
        let recorded = |section: &Section| section.steps.iter().any(|step| !step.output.is_empty());
        let sessions = self.sessions.iter().filter(|(_, section)| recorded(section));
        let sessions = sessions.filter(|(name, _)| !self.used.contains(&format!("console {name}")));
        let sessions = sessions.map(|(name, _)| format!("no chapter shows session `{name}`"));
        let unused: Vec<String> = anchors.chain(sessions).collect();
        if unused.is_empty() { Ok(()) } else { Err(unused.join("\n")) }
    }
}

/// Whether a code block of Rust starts here, also within a list or a quotation.
fn opens_rust(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '>', '-', '*', '\t']);
    let info = line.strip_prefix("```").or_else(|| line.strip_prefix("~~~"));
    let info = info.map(|info| info.trim_matches(['`', '~', ' ', '{', '.']).to_lowercase());
    info.is_some_and(|info| info == "rs" || info.starts_with("rs,") || info.starts_with("rust"))
}

/// An open code block.
struct Fence {
    info: String,
    lines: Vec<String>,
    /// Its line in the chapter.
    first: usize,
}

impl Fence {
    fn close(self) -> Result<String, String> {
        let text = self.lines.join("\n");
        if self.info.trim() == "mermaid" {
            return diagram::render(&text);
        }
        Ok(format!("```{}\n{text}\n```\n", self.info))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(source: &str, session: &str) -> (tempfile::TempDir, Library) {
        let root = tempfile::tempdir().unwrap();
        for folder in ["code/c/src", "labs", "solutions", "book"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("code/c/src/lib.rs"), source).unwrap();
        fs::write(root.path().join("book/s.console"), session).unwrap();
        let library = Library::read(root.path(), Audience::Reader, None).unwrap();
        (root, library)
    }

    #[test]
    fn a_chapter_shows_what_it_names() {
        let (_root, mut library) =
            library("// ANCHOR: f\nfn f() {}\n// ANCHOR_END: f\n", "## run\n$ echo a\na\n");
        let shown = library
            .expand(
                "a.md",
                "# A\n\n{{#snippet f}}\n\n{{#console s/run}}\n\n```text\n{{#snippet not-here}}\n```\n",
            )
            .unwrap();
        assert!(shown.contains("```rust,no_run\nfn f() {}\n```"));
        assert!(shown.contains("```console\n$ echo a\na\n```"));
        assert!(shown.contains("{{#snippet not-here}}"));
        assert_eq!(library.all_used(), Ok(()));
    }

    #[test]
    fn mistakes_in_a_chapter_name_its_line() {
        let (_root, mut library) = library("", "");
        for (chapter, expected) in [
            ("\n{{#snippet f}}\n", "a.md:2: there is no anchor `f`"),
            ("{{#console s/run}}\n", "a.md:1: there is no session `s/run`"),
            ("{{#sniplet f}}\n", "a.md:1: there is no directive `sniplet`"),
            ("text\n```rust\nfn f() {}\n```\n", "a.md:2: Rust is not typed into the book"),
            ("- a\n  ```rust,ignore\n", "a.md:2: Rust is not typed into the book"),
            ("> ~~~ Rust\n", "a.md:1: Rust is not typed into the book"),
            ("see {{#snippet f}}\n", "a.md:1: a directive stands on a line of its own"),
            ("a\n```text\n", "a.md:2: the block ```text is not closed"),
            ("{{#symptom s/run}}\n", "a.md:1: there is no session `s/run`"),
            (
                "{{#function code/c/src/lib.rs f}}\n",
                "a.md:1: code/c/src/lib.rs has no function or implementation `f`",
            ),
            ("```mermaid\nflowchart LR\n a --> b\n```\n", "a.md:4: a diagram needs a line `%% alt: …`"),
        ] {
            let error = library.expand("a.md", chapter).unwrap_err();
            assert!(error.starts_with(expected), "{error:?} should start with {expected:?}");
        }
    }

    #[test]
    fn what_no_chapter_shows_is_named() {
        let (_root, library) =
            library("// ANCHOR: f\nfn f() {}\n// ANCHOR_END: f\n", "## run\n$ echo a\na\n");
        let error = library.all_used().unwrap_err();
        assert_eq!(
            error,
            "code/c/src/lib.rs:1: no chapter shows anchor `f`\nno chapter shows session `s/run`"
        );
    }
}
