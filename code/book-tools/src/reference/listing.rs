//! What `cargo course list --json` says, and the pages made of it: commands, and checks with their hints.

use crate::sources;
use serde::Deserialize;
use std::{fmt::Write as _, fs, path::Path};

/// Everything that the course has.
#[derive(Deserialize)]
pub(super) struct Listing {
    pub(super) labs: Vec<Lab>,
    commands: Vec<Command>,
}

/// A lab.
#[derive(Deserialize)]
pub(super) struct Lab {
    #[serde(rename = "lab")]
    pub(super) number: String,
    pub(super) checks: Vec<Check>,
    pub(super) broken: Vec<Broken>,
}

/// A check.
#[derive(Deserialize)]
pub(super) struct Check {
    pub(super) name: String,
    hint: String,
}

impl Check {
    /// The hint as Markdown: a terminal shows `Api<Secret>` as it is, and a page would take it for a tag.
    pub(super) fn hint(&self) -> String {
        self.hint.replace('<', "&lt;")
    }
}

/// A known-wrong operator.
#[derive(Deserialize)]
pub(super) struct Broken {
    pub(super) name: String,
    /// The check that it fails.
    pub(super) fails: String,
}

#[derive(Deserialize)]
struct Command {
    name: String,
    about: String,
    usage: String,
    example: Option<String>,
    options: Vec<Opt>,
}

#[derive(Deserialize)]
struct Opt {
    typed: String,
    help: String,
    values: Vec<String>,
    default: Option<String>,
}

/// The commands of `cargo course`.
pub(super) fn commands(listing: &Listing) -> String {
    let mut out = String::new();
    for command in &listing.commands {
        let _ =
            write!(out, "## {}\n\n{}.\n\n```text\n{}\n```\n\n", command.name, command.about, command.usage);
        if !command.options.is_empty() {
            out.push_str("| option | meaning |\n| --- | --- |\n");
            for option in &command.options {
                let _ = writeln!(out, "| `{}` | {} |", option.typed, meaning(option));
            }
            out.push('\n');
        }
        if let Some(example) = &command.example {
            let _ = write!(out, "{}\n\n", example_in_code(example));
        }
    }
    out
}

fn meaning(option: &Opt) -> String {
    let mut text = cell(&option.help);
    if !option.values.is_empty() {
        let values: Vec<String> = option.values.iter().map(|value| format!("`{value}`")).collect();
        let _ = write!(text, ". One of {}", values.join(", "));
    }
    if let Some(default) = &option.default {
        let _ = write!(text, ". Default: `{default}`");
    }
    text
}

fn example_in_code(example: &str) -> String {
    match example.split_once(": ") {
        Some((label, command)) => format!("{label}: `{command}`"),
        None => example.to_owned(),
    }
}

/// The checks of every lab: what each proves, its hint, and the mistakes that it is proved with.
pub(super) fn checks(root: &Path, listing: &Listing) -> Result<String, String> {
    let mut out = String::new();
    for lab in &listing.labs {
        let _ = write!(out, "## Lab {}\n\n", lab.number);
        for check in &lab.checks {
            let mistakes = lab.broken.iter().filter(|broken| broken.fails == check.name);
            let mistakes: Vec<String> = mistakes.map(|broken| format!("`{}`", broken.name)).collect();
            let _ = write!(
                out,
                "### `{}`\n\n{}\n\n**Hint:** {}.\n\n",
                check.name,
                promise(root, lab, check)?,
                check.hint()
            );
            if !mistakes.is_empty() {
                let _ = write!(out, "Fails for the broken operator {}.\n\n", mistakes.join(", "));
            }
        }
    }
    Ok(out)
}

/// What a check proves: the first words of the file that it is in.
fn promise(root: &Path, lab: &Lab, check: &Check) -> Result<String, String> {
    let name = check.name.replace('-', "_");
    let folder = format!("code/course/src/lesson_{}", lab.number.replace('.', "_"));
    let file = format!("{folder}/{name}.rs");
    let told =
        fs::read_to_string(root.join(&file)).ok().and_then(|text| sources::module_documentation(&text));
    told.ok_or_else(|| format!("{file}: a check's file starts with `//!` and what the check proves"))
}

/// Text for a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{
        "labs": [{"lab": "4.1", "checks": [{"name": "a-b", "hint": "look"}], "broken": [{"name": "wrong", "fails": "a-b"}]}],
        "commands": [{"name": "check", "about": "Check it", "usage": "cargo course check <LAB>", "example": "Example: cargo course check 4.1",
            "options": [{"typed": "--on <WHERE>", "help": "Where", "values": ["kind", "sandbox"], "default": "kind"}]}]
    }"#;

    #[test]
    fn commands_and_checks_are_told() {
        let listing: Listing = serde_json::from_str(JSON).unwrap();
        let told = commands(&listing);
        assert!(
            told.contains("| `--on <WHERE>` | Where. One of `kind`, `sandbox`. Default: `kind` |"),
            "{told}"
        );
        assert!(told.contains("Example: `cargo course check 4.1`"), "{told}");
        let root = tempfile::tempdir().unwrap();
        let error = checks(root.path(), &listing).unwrap_err();
        assert!(error.starts_with("code/course/src/lesson_4_1/a_b.rs: "), "{error}");
        let folder = root.path().join("code/course/src/lesson_4_1");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a_b.rs"), "//! A is B.\n\nfn x() {}\n").unwrap();
        let told = checks(root.path(), &listing).unwrap();
        assert!(
            told.contains(
                "### `a-b`\n\nA is B.\n\n**Hint:** look.\n\nFails for the broken operator `wrong`."
            ),
            "{told}"
        );
    }
}
