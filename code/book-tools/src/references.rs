//! `[lesson 4.2]`, `[lab 4.2]` and `[solution 4.2]` in a chapter become links to those pages, wherever the chapter is.

use regex::{Captures, Regex};
use std::{fs, path::Path};

/// A line with its references as links. `chapter` is the chapter's path from the book's root. Where a page is not written yet the
/// words stay, without a link.
pub(crate) fn link(line: &str, chapter: &Path, book: &Path) -> String {
    if !line.contains("[l") && !line.contains("[s") {
        return line.to_owned();
    }
    // The last group is what makes it a link of its own.
    let Ok(reference) = Regex::new(r"\[((?i:lesson|lab|solution)) (\d)\.(\d)\]([(\[:]?)") else {
        return line.to_owned();
    };
    let up = "../".repeat(chapter.components().count().saturating_sub(1));
    let linked = reference.replace_all(line, |found: &Captures<'_>| {
        if !found[4].is_empty() {
            return found[0].to_owned();
        }
        let words = format!("{} {}.{}", &found[1], &found[2], &found[3]);
        let page = format!("{}.md", found[1].to_lowercase());
        match folder(book, &format!("{}-{}-", &found[2], &found[3])) {
            Some(folder) if book.join(&folder).join(&page).is_file() => {
                format!("[{words}]({up}{folder}/{page})")
            }
            _ => words,
        }
    });
    linked.into_owned()
}

/// The lesson's folder, by the start of its name.
fn folder(book: &Path, start: &str) -> Option<String> {
    let entries = fs::read_dir(book).ok()?.filter_map(Result::ok);
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.find(|name| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_link_where_its_page_is() {
        let book = tempfile::tempdir().unwrap();
        fs::create_dir(book.path().join("4-1-conditions")).unwrap();
        fs::write(book.path().join("4-1-conditions/lab.md"), "").unwrap();
        for (chapter, line, expected) in [
            ("setup.md", "do [lab 4.1].", "do [lab 4.1](4-1-conditions/lab.md)."),
            (
                "reference/a.md",
                "do [lab 4.1], then [lab 4.2]",
                "do [lab 4.1](../4-1-conditions/lab.md), then lab 4.2",
            ),
            ("a.md", "[lab 4.1](x.md) and [lesson 4.1]", "[lab 4.1](x.md) and lesson 4.1"),
            ("a.md", "[list]", "[list]"),
        ] {
            assert_eq!(link(line, Path::new(chapter), book.path()), expected);
        }
    }
}
