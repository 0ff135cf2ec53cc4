//! Recorded console sessions: what was typed, and what came out.
//!
//! A file `NAME.console` beside a chapter holds sections. A section starts with `## name`, then come commands, each on a line
//! that starts with `$ `, followed by what it printed. `cargo run -p book-tools -- capture` runs the commands and fills in
//! the rest; see [`crate::capture`].

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// A section of a session file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its name, unique in the file.
    pub name: String,
    /// Commands with their output.
    pub steps: Vec<Step>,
}

/// One command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// As typed.
    pub command: String,
    /// What it printed, line by line.
    pub output: Vec<String>,
}

/// Splits a session file into its sections. Text before the first one is a comment.
pub fn parse(text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("## ") {
            if sections.iter().any(|section| section.name == name) {
                return Err(format!("line {}: a second section `{name}`", index + 1));
            }
            sections.push(Section { name: name.to_owned(), steps: Vec::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        match (line.strip_prefix("$ "), section.steps.last_mut()) {
            (Some(command), _) => {
                section.steps.push(Step { command: command.to_owned(), output: Vec::new() });
            }
            (None, Some(step)) => step.output.push(line.to_owned()),
            (None, None) if line.trim().is_empty() => {}
            (None, None) => return Err(format!("line {}: output before a command", index + 1)),
        }
    }
    for step in sections.iter_mut().flat_map(|section| &mut section.steps) {
        while step.output.last().is_some_and(|line| line.trim().is_empty()) {
            step.output.pop();
        }
    }
    Ok(sections)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.command)?;
        self.output.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Section {
    fn text(&self) -> String {
        self.steps.iter().map(Step::to_string).collect()
    }
}

/// The text form of sections, the inverse of [`parse`].
pub fn print(comment: &str, sections: &[Section]) -> String {
    let section = |section: &Section| format!("\n\n## {}\n{}", section.name, section.text().trim_end());
    let sections: String = sections.iter().map(section).collect();
    format!("{}{sections}\n", comment.trim_end())
}

/// A section as Markdown.
pub fn render(section: &Section) -> String {
    format!("```console\n{}```\n", section.text())
}

/// What a failed check saw, as Markdown: without the command and the hint, which give its cause away.
pub fn symptom(section: &Section) -> Option<String> {
    let lines = section.steps.iter().flat_map(|step| &step.output);
    let lines = lines.skip_while(|line| !line.trim_start().starts_with('✗'));
    let lines = lines.take_while(|line| !line.trim_start().starts_with("whole log"));
    let lines: Vec<&str> = lines.map(String::as_str).collect();
    (!lines.is_empty()).then(|| format!("```console\n{}\n```\n", lines.join("\n")))
}

/// All sections below a folder, by `file/section`.
pub fn scan(folder: &Path) -> io::Result<BTreeMap<String, Section>> {
    let mut found = BTreeMap::new();
    for path in files(folder)? {
        let text = fs::read_to_string(&path)?;
        let sections =
            parse(&text).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        found.extend(sections.into_iter().map(|section| (format!("{file}/{}", section.name), section)));
    }
    Ok(found)
}

/// The session files below a folder, in order.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    crate::files(folder, "console")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "A comment.\n\n## one\n$ echo a\na\n\n## two\n$ true\n$ echo b\nb\n\nc\n";

    #[test]
    fn what_is_parsed_is_printed_again() {
        let sections = parse(TEXT).unwrap();
        assert_eq!(sections.len(), 2);
        assert_eq!(
            sections[1].steps[1],
            Step { command: "echo b".into(), output: vec!["b".into(), String::new(), "c".into()] }
        );
        assert_eq!(print("A comment.", &sections), TEXT);
    }

    #[test]
    fn a_symptom_is_what_was_seen_and_not_why() {
        let text = "## a\n$ cargo course check 4.1 --broken x\nLab 4.1, broken operator x\n\n  ✗ y   1 s\n      seen      z\n      whole log t\n      hint      look\n";
        let sections = parse(text).unwrap();
        assert_eq!(symptom(&sections[0]).unwrap(), "```console\n  ✗ y   1 s\n      seen      z\n```\n");
        assert_eq!(symptom(&parse("## a\n$ x\nfine\n").unwrap()[0]), None);
    }

    #[test]
    fn mistakes_name_the_line() {
        assert_eq!(parse("## a\n$ x\n## a\n").unwrap_err(), "line 3: a second section `a`");
        assert_eq!(parse("## a\nx\n").unwrap_err(), "line 2: output before a command");
    }
}
