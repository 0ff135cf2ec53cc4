//! The pages of reference that are written by a program: from the CRD, the operator, `cargo course` and recorded failures.

mod api;
mod gallery;
mod listing;
mod programs;
mod region;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const CRD: &str = "code/postgres-operator/deploy/crd.yaml";
const DIAGRAM: &str = "State diagram of a Database. It goes from Pending over Provisioning, Configuring, Deploying and Verifying to \
    Ready. A change of the spec leads to Updating and from there over Verifying back to Ready.";

/// Brings the generated parts of the book up to date. With `check` nothing is written, and what is out of date is an error.
pub fn run(root: &Path, check: bool) -> Result<(), String> {
    let programs = programs::build(root)?;
    let listing = programs.course(&["list", "--json"])?;
    let listing =
        serde_json::from_str(&listing).map_err(|error| format!("cargo course list --json: {error}"))?;
    let (sessions, text) = gallery::sessions(root, &listing)?;
    let mut stale = settle(root, vec![(sessions, text)], check)?;
    let parts = parts(root, &programs, &listing)?;
    stale.extend(settle(root, pages(root, &parts)?, check)?);
    if stale.is_empty() { Ok(()) } else { Err(stale.join("\n")) }
}

/// Every generated part, by its name.
fn parts(
    root: &Path,
    programs: &programs::Programs,
    listing: &listing::Listing,
) -> Result<BTreeMap<&'static str, String>, String> {
    let crd = fs::read_to_string(root.join(CRD)).map_err(|error| format!("{CRD}: {error}"))?;
    let crd = serde_yaml_ng::from_str(&crd).map_err(|error| format!("{CRD}: {error}"))?;
    let mermaid = programs.operator(&["phases", "--mermaid"])?;
    let phases = programs.operator(&["phases"])?;
    Ok(BTreeMap::from([
        ("api-spec", api::fields(&crd, "spec")?),
        ("api-rules", api::rules(&crd)?),
        ("api-status", api::fields(&crd, "status")?),
        ("reasons", reasons(&programs.operator(&["reasons"])?)),
        ("phase-diagram", format!("```mermaid\n%% alt: {DIAGRAM}\n{mermaid}```")),
        ("phase-table", format!("```text\n{phases}```")),
        ("commands", listing::commands(listing)),
        ("checks", listing::checks(root, listing)?),
        ("broken-operators", gallery::page(root, listing)?),
    ]))
}

/// A table of what `postgres-operator reasons` prints: a word, spaces, its meaning.
fn reasons(printed: &str) -> String {
    let mut out = String::from("| reason | meaning |\n| --- | --- |\n");
    for (reason, meaning) in printed.lines().filter_map(|line| line.split_once(' ')) {
        let _ = writeln!(out, "| `{reason}` | {} |", meaning.trim());
    }
    out
}

/// All pages that have generated parts. A part that no page has is an error.
fn pages(root: &Path, parts: &BTreeMap<&str, String>) -> Result<Vec<(PathBuf, String)>, String> {
    let mut used = BTreeSet::new();
    let mut pages = Vec::new();
    for path in crate::files(&root.join("book"), "md").map_err(|error| format!("book: {error}"))? {
        let name = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", name.display()))?;
        let filled = region::fill(&name.display().to_string(), &text, parts, &mut used)?;
        pages.push((name, filled));
    }
    let unused: Vec<&str> = parts.keys().copied().filter(|name| !used.contains(*name)).collect();
    if unused.is_empty() {
        Ok(pages)
    } else {
        Err(format!("no page has the generated part {}", unused.join(", ")))
    }
}

/// Writes files that differ; with `check` it says where they differ.
fn settle(root: &Path, files: Vec<(PathBuf, String)>, check: bool) -> Result<Vec<String>, String> {
    let mut stale = Vec::new();
    for (name, wanted) in files {
        let path = root.join(&name);
        let found = fs::read_to_string(&path).unwrap_or_default();
        let Some(line) = region::first_difference(&found, &wanted) else { continue };
        if check {
            stale.push(format!(
                "{}:{line}: out of date; run `cargo run -p book-tools -- reference`",
                name.display()
            ));
        } else {
            fs::write(&path, wanted).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_page_is_named_with_its_line_and_then_written() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("book")).unwrap();
        let page = root.path().join("book/p.md");
        fs::write(&page, "# P\n\n<!-- generated: reasons -->\n<!-- end of generated -->\n").unwrap();
        let parts = BTreeMap::from([("reasons", reasons("NoAnswer     It is silent.\n"))]);
        let stale = settle(root.path(), pages(root.path(), &parts).unwrap(), true).unwrap();
        assert_eq!(stale, ["book/p.md:4: out of date; run `cargo run -p book-tools -- reference`"]);
        settle(root.path(), pages(root.path(), &parts).unwrap(), false).unwrap();
        assert!(fs::read_to_string(&page).unwrap().contains("| `NoAnswer` | It is silent. |"));
        assert!(settle(root.path(), pages(root.path(), &parts).unwrap(), true).unwrap().is_empty());
        let more = BTreeMap::from([("reasons", String::new()), ("phases", String::new())]);
        assert_eq!(pages(root.path(), &more).unwrap_err(), "no page has the generated part phases");
    }
}
