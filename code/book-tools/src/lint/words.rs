//! Words that have to agree with something else: terms with the glossary, functions with the code, times with the introduction.

use super::Page;
use regex::Regex;
use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::Path,
};

/// The kinds of callouts, and how many a page may have.
const CALLOUTS: [&str; 3] = ["Note", "Warning", "Pitfall"];
const MOST_CALLOUTS: usize = 3;

/// Bold words of a lesson define a term, and the glossary repeats it.
pub(super) fn terms(pages: &[Page]) -> Vec<String> {
    let (Ok(bold), Some(glossary)) =
        (Regex::new(r"\*\*([^*`]+)\*\*"), pages.iter().find(|page| page.path == "reference/glossary.md"))
    else {
        return Vec::new();
    };
    let known: HashSet<String> =
        bold.captures_iter(&glossary.text).map(|found| found[1].to_lowercase()).collect();
    let explains = |term: &str| {
        let term = term.to_lowercase();
        let singular = [term.strip_suffix("s"), term.strip_suffix("es")];
        known.contains(&term) || singular.into_iter().flatten().any(|term| known.contains(term))
    };
    let mut wrong = Vec::new();
    for page in pages.iter().filter(|page| page.is_of_a_lesson() && page.path.ends_with("/lesson.md")) {
        for (number, line) in page.prose() {
            for found in bold.captures_iter(line) {
                let term = found[1].trim_end_matches([':', '.']);
                if !CALLOUTS.contains(&term) && !explains(term) {
                    wrong.push(page.at(number, &format!("the glossary has no `{term}`")));
                }
            }
        }
    }
    wrong
}

/// Callouts are few, and of three kinds.
pub(super) fn callouts(pages: &[Page]) -> Vec<String> {
    let mut wrong = Vec::new();
    for page in pages {
        let lines = page.prose();
        let callouts = lines.iter().filter_map(|(number, line)| {
            Some((*number, line.strip_prefix("> **")?.split("**").next().unwrap_or_default()))
        });
        for (count, (number, kind)) in callouts.enumerate() {
            if !CALLOUTS.contains(&kind) {
                let kinds = CALLOUTS.join(", ");
                wrong.push(page.at(number, &format!("a callout is one of {kinds}, and not `{kind}`")));
            } else if count == MOST_CALLOUTS {
                wrong.push(page.at(number, &format!("the page has more than {MOST_CALLOUTS} callouts")));
            }
        }
    }
    wrong
}

/// The introduction gives a time for each page of a lesson, and the page gives the same.
pub(super) fn times(pages: &[Page]) -> Vec<String> {
    let (Ok(row), Ok(minutes)) = (
        Regex::new(r"^\| (Lesson|Lab|Solution) (\d)\.(\d).*\| (\d+) min \|$"),
        Regex::new(r"^\*(\d+) minutes"),
    ) else {
        return Vec::new();
    };
    let Some(introduction) = pages.iter().find(|page| page.path == "introduction.md") else {
        return Vec::new();
    };
    let mut told = BTreeMap::new();
    for (number, line) in introduction.prose() {
        if let Some(found) = row.captures(line) {
            let page = format!("{}-{} {}", &found[2], &found[3], found[1].to_lowercase());
            told.insert(page, (number, found[4].to_owned()));
        }
    }
    let mut wrong = Vec::new();
    for page in pages.iter().filter(|page| page.is_of_a_lesson()) {
        let (folder, file) = page.path.split_once('/').unwrap_or_default();
        let name = format!("{} {}", folder.get(..3).unwrap_or_default(), file.trim_end_matches(".md"));
        let own = page
            .prose()
            .into_iter()
            .find_map(|(line, text)| Some((line, minutes.captures(text)?[1].to_owned())));
        match (own, told.get(&name)) {
            (None, _) => wrong.push(page.at(3, "the page does not start with its time, `*20 minutes. …*`")),
            (Some((line, own)), Some((_, other))) if own != *other => {
                wrong.push(page.at(line, &format!("{own} minutes here, {other} in introduction.md")));
            }
            _ => {}
        }
    }
    wrong
}

/// A lesson speaks of functions and paths that exist: each has to occur somewhere in the code.
pub(super) fn names(root: &Path, pages: &[Page]) -> io::Result<Vec<String>> {
    let (Ok(code), Ok(name), Ok(word)) = (
        Regex::new("`([^`]+)`"),
        Regex::new(r"^(?:\w+::)*([A-Za-z_]\w*)(?:\(\))?$"),
        Regex::new(r"[A-Za-z_]\w*"),
    ) else {
        return Ok(Vec::new());
    };
    let mut known = HashSet::new();
    for folder in ["code", "labs", "solutions"] {
        for path in crate::files(&root.join(folder), "rs")? {
            let text = fs::read_to_string(path)?;
            // A word of a comment is no name.
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            known.extend(code.flat_map(|line| word.find_iter(line)).map(|it| it.as_str().to_owned()));
        }
    }
    let mut wrong = Vec::new();
    for page in pages.iter().filter(|page| page.is_of_a_lesson()) {
        for (number, line) in page.prose() {
            for found in code.captures_iter(line) {
                let text = &found[1];
                let is_a_name = text.ends_with("()") || text.contains("::");
                let Some(parts) = name.captures(text).filter(|_| is_a_name) else { continue };
                if !known.contains(&parts[1]) {
                    wrong.push(page.at(number, &format!("no Rust file has `{}`", &parts[1])));
                }
            }
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_term_without_an_entry_is_named() {
        let glossary = page("reference/glossary.md", "**Finalizer**\n: A name.\n");
        let lesson = page("4-2-x/lesson.md", "# L\n\n**Finalizers** and a **mapper**.\n\n> **Note**\n> x\n");
        assert_eq!(terms(&[glossary, lesson]), ["book/4-2-x/lesson.md:3: the glossary has no `mapper`"]);
    }

    #[test]
    fn callouts_are_few_and_of_three_kinds() {
        let text = "> **Note**\n> a\n\n> **Tip**\n> a\n\n> **Note**\n\n> **Warning**\n";
        let wrong = callouts(&[page("a.md", text)]);
        assert_eq!(
            wrong,
            [
                "book/a.md:4: a callout is one of Note, Warning, Pitfall, and not `Tip`",
                "book/a.md:9: the page has more than 3 callouts"
            ]
        );
    }

    #[test]
    fn times_agree_with_the_introduction() {
        let introduction = page("introduction.md", "| Lab 4.1 | 60 min |\n| Lesson 4.2: a | 30 min |\n");
        let lab = page("4-1-x/lab.md", "# Lab\n\n*50 minutes. Text.*\n");
        let lesson = page("4-2-x/lesson.md", "# L\n\nText.\n");
        assert_eq!(
            times(&[introduction, lab, lesson]),
            [
                "book/4-1-x/lab.md:3: 50 minutes here, 60 in introduction.md",
                "book/4-2-x/lesson.md:3: the page does not start with its time, `*20 minutes. …*`"
            ]
        );
    }

    #[test]
    fn a_function_that_was_renamed_is_missed() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["code", "labs", "solutions"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let source = "/// Is dated.\nfn stamp() { Outcome::of(); }\n";
        fs::write(root.path().join("code/a.rs"), source).unwrap();
        let lesson = page(
            "4-1-x/lesson.md",
            "`stamp()`, `Outcome::of` and `kubectl get` are there.\n`dated()` is not.\n",
        );
        assert_eq!(
            names(root.path(), &[lesson]).unwrap(),
            ["book/4-1-x/lesson.md:2: no Rust file has `dated`"]
        );
    }
}
