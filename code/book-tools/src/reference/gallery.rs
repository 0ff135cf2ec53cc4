//! The gallery of broken operators: what each one does to its check, then what is wrong with it.

use super::listing::{Broken, Check, Lab, Listing};
use crate::{
    console::{self, Section, Step},
    sources,
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Where failures are recorded that no lesson shows.
const OWN: &str = "book/reference/broken-operators.console";
/// The broken operators' sources.
const BROKEN: &str = "code/broken/src";
const COMMENT: &str = "The failures of the gallery that no lesson shows.";

/// The gallery as Markdown.
pub(super) fn page(root: &Path, listing: &Listing) -> Result<String, String> {
    let recorded = console::scan(&root.join("book")).map_err(|error| error.to_string())?;
    let mut out = String::new();
    for lab in &listing.labs {
        let _ = write!(out, "## Lab {}\n\n", lab.number);
        for broken in &lab.broken {
            let check = lab.checks.iter().find(|check| check.name == broken.fails);
            let check =
                check.ok_or_else(|| format!("{} fails {}, which is no check", broken.name, broken.fails))?;
            out.push_str(&exhibit(root, lab, broken, check, &recorded)?);
        }
    }
    Ok(out)
}

fn exhibit(
    root: &Path,
    lab: &Lab,
    broken: &Broken,
    check: &Check,
    recorded: &BTreeMap<String, Section>,
) -> Result<String, String> {
    let Broken { name, fails } = broken;
    let session = recorded.iter().find(|(_, section)| shows(section, name)).map(|(session, _)| session);
    let command = command(lab, broken);
    let symptom = match session {
        Some(session) => format!("{{{{#symptom {session}}}}}"),
        None => format!("Not recorded here. See it: `{command}`"),
    };
    let mut diagnosis = mistake(root, name)?;
    let _ = write!(diagnosis, "What helps: {}.\n\n", check.hint());
    let _ = write!(diagnosis, "Try it: `{command}`\n\n");
    Ok(format!(
        "### {fails}\n\n{symptom}\n\n<details>\n<summary>Diagnosis</summary>\n\n{diagnosis}</details>\n\n"
    ))
}

/// Shows it on the sandbox, which every reader has.
fn command(lab: &Lab, Broken { name, fails }: &Broken) -> String {
    format!("cargo course check {} --broken {name} --only {fails} --on sandbox", lab.number)
}

/// What is wrong, in the words above the function or the type that is named after it, and its code.
fn mistake(root: &Path, name: &str) -> Result<String, String> {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let function = name.replace('-', "_");
    let type_: String = name.split('-').filter(|word| !word.is_empty()).map(capital).collect();
    for (item, signature) in [(&function, format!("fn {function}(")), (&type_, format!("struct {type_}"))] {
        let file = sources::file_of(root, BROKEN, item).map_err(|error| format!("{BROKEN}: {error}"))?;
        let Some(file) = file else { continue };
        let text = fs::read_to_string(root.join(&file)).map_err(|error| format!("{file}: {error}"))?;
        let words = sources::documentation(&text, &signature)
            .ok_or_else(|| format!("{file}: `{item}` has no documentation that says what is wrong"))?;
        let words = words.trim_start_matches("Mistake: ");
        return Ok(format!("The mistake: {words}\n\n{{{{#function {file} {item}}}}}\n\n"));
    }
    Err(format!("{BROKEN} has neither a function {function} nor an implementation for {type_}"))
}

/// Whether a session checks a broken operator, and saw it fail.
fn shows(section: &Section, name: &str) -> bool {
    section.steps.iter().any(|step| runs(step, name) && !step.output.is_empty())
}

fn runs(step: &Step, name: &str) -> bool {
    let mut words = step.command.split_whitespace().skip_while(|word| *word != "--broken");
    words.nth(1) == Some(name)
}

/// The gallery's own session file: the recordings of broken operators that no other file shows. One that is new has its command and
/// waits for `capture`.
pub(super) fn sessions(root: &Path, listing: &Listing) -> Result<(PathBuf, String), String> {
    let own = root.join(OWN);
    let error = |error: std::io::Error| error.to_string();
    let mut others = Vec::new();
    for path in console::files(&root.join("book")).map_err(error)?.into_iter().filter(|path| *path != own) {
        let text = fs::read_to_string(&path).map_err(error)?;
        others.extend(console::parse(&text).map_err(|message| format!("{}: {message}", path.display()))?);
    }
    let before = fs::read_to_string(&own).unwrap_or_default();
    let before = console::parse(&before).map_err(|message| format!("{OWN}: {message}"))?;
    let all = listing.labs.iter().flat_map(|lab| lab.broken.iter().map(move |broken| (lab, broken)));
    let own = all.filter(|(_, broken)| !others.iter().any(|other| shows(other, &broken.name)));
    let section = |(lab, broken): (&Lab, &Broken)| {
        let command = command(lab, broken);
        let recorded = before.iter().find(|section| {
            section.name == broken.name && section.steps.iter().any(|step| step.command == command)
        });
        let new = || Section { name: broken.name.clone(), steps: vec![Step { command, output: Vec::new() }] };
        recorded.cloned().unwrap_or_else(new)
    };
    let sections: Vec<Section> = own.map(section).collect();
    Ok((PathBuf::from(OWN), console::print(COMMENT, &sections)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> (tempfile::TempDir, Listing) {
        let root = tempfile::tempdir().unwrap();
        for folder in ["book/reference", "code/broken/src"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let source = "/// Mistake: it is silent.\nfn is_silent() {\n}\n";
        fs::write(root.path().join("code/broken/src/a.rs"), source).unwrap();
        let listing = r#"{"labs": [{"lab": "4.1", "checks": [{"name": "a-b", "hint": "speak"}],
            "broken": [{"name": "is-silent", "fails": "a-b"}]}], "commands": []}"#;
        (root, serde_json::from_str(listing).unwrap())
    }

    #[test]
    fn a_broken_operator_is_shown_by_its_recording_or_by_the_command_that_makes_one() {
        let (root, listing) = course();
        let command = "cargo course check 4.1 --broken is-silent --only a-b --on sandbox";
        let shown = page(root.path(), &listing).unwrap();
        assert!(shown.contains(&format!("### a-b\n\nNot recorded here. See it: `{command}`")));
        let new = sessions(root.path(), &listing).unwrap().1;
        assert_eq!(new, format!("{COMMENT}\n\n## is-silent\n$ {command}\n"));
        let session = format!("{COMMENT}\n\n## is-silent\n$ {command}\nfailed\n\n## of-old\n$ true\n");
        fs::write(root.path().join(OWN), &session).unwrap();
        let (path, text) = sessions(root.path(), &listing).unwrap();
        assert!(text.contains("## is-silent") && !text.contains("of-old"), "{text}");
        fs::write(root.path().join(&path), &text).unwrap();
        let page = page(root.path(), &listing).unwrap();
        assert!(page.contains("{{#symptom broken-operators/is-silent}}"), "{page}");
        assert!(
            page.contains("The mistake: it is silent.\n\n{{#function code/broken/src/a.rs is_silent}}"),
            "{page}"
        );
        assert_eq!(sessions(root.path(), &listing).unwrap().1, text);
    }

    #[test]
    fn a_lesson_that_shows_it_comes_first() {
        let (root, listing) = course();
        let session = "## x\n$ cargo course check 4.1 --broken is-silent --only a-b\nfailed\n";
        fs::write(root.path().join("book/lesson.console"), session).unwrap();
        assert!(!sessions(root.path(), &listing).unwrap().1.contains("##"));
        assert!(page(root.path(), &listing).unwrap().contains("{{#symptom lesson/x}}"));
    }
}
