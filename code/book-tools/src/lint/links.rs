//! Links within the book: the page is there, it is in the table of contents, and so is the heading.

use super::Page;
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

/// Links that lead nowhere.
pub(super) fn check(book: &Path, pages: &[Page]) -> Vec<String> {
    let Ok(link) = Regex::new(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)") else { return Vec::new() };
    let ids: BTreeMap<&str, BTreeSet<String>> =
        pages.iter().map(|page| (page.path.as_str(), headings(page))).collect();
    let summary = pages.iter().find(|page| page.path == "SUMMARY.md");
    let shown = |path: &str| summary.is_none_or(|summary| summary.text.contains(&format!("({path})")));
    let mut wrong = Vec::new();
    for page in pages {
        for (number, line) in page.prose() {
            for found in link.captures_iter(&without_code(line)) {
                let (path, id) = (&found[1], found.get(2).map(|id| id.as_str()));
                if path.contains(':') || (path.is_empty() && id.is_none()) {
                    continue;
                }
                let target = if path.is_empty() { page.path.clone() } else { resolve(&page.path, path) };
                let known = ids.get(target.as_str());
                if known.is_none() && !book.join(&target).is_file() {
                    wrong.push(
                        page.at(number, &format!("the link leads to book/{target}, which is not there")),
                    );
                } else if known.is_some() && page.path != "SUMMARY.md" && !shown(&target) {
                    wrong.push(
                        page.at(number, &format!("the link leads to book/{target}, which SUMMARY.md lacks")),
                    );
                } else if let (Some(known), Some(id)) = (known, id)
                    && !known.contains(id)
                {
                    wrong.push(page.at(number, &format!("book/{target} has no heading #{id}")));
                }
            }
        }
    }
    wrong
}

/// A path relative to a page, from the book's root.
fn resolve(page: &str, path: &str) -> String {
    let mut parts = PathBuf::from(page);
    parts.pop();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.push(name),
            _ => {}
        }
    }
    parts.display().to_string()
}

/// The ids that mdBook gives to the headings of a page, those of its generated parts included.
fn headings(page: &Page) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_code = false;
    for line in page.text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let words = line.trim_start_matches('#');
        if in_code || words.len() == line.len() || !words.starts_with(' ') {
            continue;
        }
        let base = id(words.trim());
        let id = (0..).map(|count| if count == 0 { base.clone() } else { format!("{base}-{count}") });
        found.extend(id.take(usize::MAX).find(|id| !found.contains(id)));
    }
    found
}

/// Letters, digits, `_` and `-` stay, small; spaces become `-`.
fn id(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect()
}

/// A line without what stands in backticks, which is no link.
fn without_code(line: &str) -> String {
    line.split('`').enumerate().filter(|(index, _)| index % 2 == 0).map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(line: &str) -> Vec<String> {
        let page = |path: &str, text: &str| Page { path: path.into(), text: text.into() };
        let pages = [
            page("SUMMARY.md", "- [A](a/one.md)\n- [B](two.md)\n"),
            page("a/one.md", &format!("# One\n\n{line}\n")),
            page("two.md", "# Two words\n\n## `spec.a_b`\n\n## Again\n\n## Again\n"),
            page("hidden.md", "# H\n"),
        ];
        check(Path::new("/nowhere"), &pages)
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let line = "[a](../two.md) [b](../two.md#two-words) [c](../two.md#speca_b) [d](../two.md#again-1) [e](#one) [f](https://x.y/#z) `[g](h.md)`";
        assert_eq!(wrong(line), [""; 0]);
    }

    #[test]
    fn others_are_named_with_page_and_line() {
        for (line, expected) in [
            ("[a](two.md)", "book/a/one.md:3: the link leads to book/a/two.md, which is not there"),
            ("[a](../two.md#three)", "book/a/one.md:3: book/two.md has no heading #three"),
            ("[a](#two)", "book/a/one.md:3: book/a/one.md has no heading #two"),
            (
                "[a](../hidden.md)",
                "book/a/one.md:3: the link leads to book/hidden.md, which SUMMARY.md lacks",
            ),
            ("![a](b.png)", "book/a/one.md:3: the link leads to book/a/b.png, which is not there"),
        ] {
            assert_eq!(wrong(line), [expected]);
        }
    }
}
