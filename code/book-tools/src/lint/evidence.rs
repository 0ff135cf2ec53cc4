//! The page of claims: whatever it names as proof has to exist.

use super::Page;
use crate::console;
use regex::Regex;
use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

const PAGE: &str = "reference/evidence.md";

/// Kinds of proof, as the page's table calls them, and the folders that hold them.
const TESTS: [(&str, &[&str]); 3] = [
    (
        "unit test",
        &["code/postgres-operator/src", "code/fault-proxy/src", "code/sandbox/src", "code/course/src"],
    ),
    ("life", &["code/postgres-operator/tests"]),
    ("kube test", &["code/book-tests/tests"]),
];
const CHECK: &str = "check";
const CASE: &str = "case";
const RECORDING: &str = "recording";

/// What can be named.
struct Known {
    /// For each kind the functions, and the files that they are in.
    tests: BTreeMap<&'static str, Vec<(String, PathBuf)>>,
    names: BTreeMap<&'static str, HashSet<String>>,
}

/// Names in the second column that lead nowhere, and checks that the page leaves out.
pub(super) fn check(root: &Path, pages: &[Page]) -> io::Result<Vec<String>> {
    let Some(page) = pages.iter().find(|page| page.path == PAGE) else { return Ok(Vec::new()) };
    Ok(wrong(page, &Known::read(root)?))
}

fn wrong(page: &Page, known: &Known) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut told = HashSet::new();
    for (number, line) in page.prose() {
        let Some(proof) = line.strip_prefix("| ").and_then(|row| row.trim_end().strip_suffix(" |")) else {
            continue;
        };
        let Some((_, proof)) = proof.rsplit_once(" | ") else { continue };
        for (kind, name) in named(proof) {
            match kind {
                Some(kind) if known.has(kind, name) => _ = told.insert((kind, name)),
                Some(kind) => wrong.push(page.at(number, &format!("there is no {kind} `{name}`"))),
                None => wrong.push(page.at(number, &format!("`{name}` is a proof of which kind?"))),
            }
        }
    }
    let checks = known.names.get(CHECK).into_iter().flatten();
    let mut missing: Vec<_> = checks.filter(|name| !told.contains(&(CHECK, name.as_str()))).collect();
    missing.sort();
    wrong
        .extend(missing.into_iter().map(|name| page.at(1, &format!("no claim rests on the check `{name}`"))));
    wrong
}

/// The names in backquotes, each with the kind that was named last before it.
fn named(proof: &str) -> Vec<(Option<&'static str>, &str)> {
    let kinds: Vec<_> = TESTS.map(|(kind, _)| kind).into_iter().chain([CHECK, CASE, RECORDING]).collect();
    let mut found = Vec::new();
    let mut kind = None;
    for (index, part) in proof.split('`').enumerate() {
        if index % 2 == 1 {
            found.push((kind, part));
            continue;
        }
        let last = kinds.iter().filter_map(|kind| Some((part.rfind(kind)?, *kind))).max();
        kind = last.map(|(_, kind)| kind).or(kind);
    }
    found
}

impl Known {
    fn read(root: &Path) -> io::Result<Self> {
        let mut known = Self { tests: BTreeMap::new(), names: BTreeMap::new() };
        let function =
            expression(r"(?m)^\s*#\[(?:tokio::)?test[^\n]*\n(?:\s*#\[[^\n]*\n)*\s*(?:async )?fn (\w+)")?;
        for (kind, folders) in TESTS {
            let tests = known.tests.entry(kind).or_default();
            for folder in folders {
                for path in crate::files(&root.join(folder), "rs")? {
                    let text = fs::read_to_string(&path)?;
                    let inside = path.strip_prefix(root).unwrap_or(&path).to_owned();
                    tests.extend(
                        function.captures_iter(&text).map(|found| (found[1].to_owned(), inside.clone())),
                    );
                }
            }
        }
        let check = expression(r#"Check \{\s*name: "([\w-]+)""#)?;
        let mut checks = HashSet::new();
        for path in crate::files(&root.join("code/course/src"), "rs")? {
            checks.extend(check.captures_iter(&fs::read_to_string(path)?).map(|found| found[1].to_owned()));
        }
        known.names.insert(CHECK, checks);
        let cases = fs::read_to_string(root.join("code/sandbox-conformance/recorded.json"))?;
        let case = expression(r#""([a-z0-9-]+)": ""#)?;
        known.names.insert(CASE, case.captures_iter(&cases).map(|found| found[1].to_owned()).collect());
        known.names.insert(RECORDING, console::scan(&root.join("book"))?.into_keys().collect());
        Ok(known)
    }

    /// Whether there is such a proof. A test's modules have to be in its file's path.
    fn has(&self, kind: &str, name: &str) -> bool {
        if let Some(names) = self.names.get(kind) {
            return names.contains(name);
        }
        let mut modules: Vec<_> = name.split("::").collect();
        let function = modules.pop();
        let is_in = |path: &Path| {
            modules.iter().all(|module| {
                path.iter().filter_map(|part| part.to_str()).any(|part| {
                    let part = part.trim_end_matches(".rs");
                    part == *module || part.trim_end_matches("_tests") == *module
                })
            })
        };
        self.tests
            .get(kind)
            .into_iter()
            .flatten()
            .any(|(test, path)| Some(test.as_str()) == function && is_in(path))
    }
}

fn expression(text: &str) -> io::Result<Regex> {
    Regex::new(text).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_that_is_gone_is_missed_and_so_is_a_check_that_proves_nothing() {
        let known = Known {
            tests: BTreeMap::from([(
                "unit test",
                vec![("it_holds".to_owned(), "code/a/src/apply/answer_tests.rs".into())],
            )]),
            names: BTreeMap::from([(CHECK, ["no-hot-loop", "other"].map(str::to_owned).into())]),
        };
        let text = "\
| The book says | What shows it |
| --- | --- |
| a | check `no-hot-loop`; unit test `apply::answer::it_holds`, `answer::it_holds` |
| `b` | unit test `child::it_holds`; check `hot-loop` |
| c | `it_holds` |
";
        let page = Page { path: "evidence.md".into(), text: text.into() };
        assert_eq!(
            wrong(&page, &known),
            [
                "book/evidence.md:4: there is no unit test `child::it_holds`",
                "book/evidence.md:4: there is no check `hot-loop`",
                "book/evidence.md:5: `it_holds` is a proof of which kind?",
                "book/evidence.md:1: no claim rests on the check `other`",
            ]
        );
    }
}
