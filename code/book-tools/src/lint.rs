//! What the prose promises: links that lead somewhere, functions that exist, terms that the glossary explains, times that add up.
//! Every mistake is told with its page and line.

mod evidence;
mod links;
mod words;

use std::{fs, path::Path};

/// A page of the book.
pub(crate) struct Page {
    /// Its path from the book's root.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Page {
    /// Its lines outside of code blocks and generated parts, with their numbers.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        let mut in_code = false;
        let mut generated = false;
        for (index, line) in self.text.lines().enumerate() {
            let start = line.trim_start();
            if start.starts_with("```") || start.starts_with("~~~") {
                in_code = !in_code;
            } else if start.starts_with("<!-- generated:") {
                generated = true;
            } else if start.starts_with("<!-- end of generated") {
                generated = false;
            } else if !in_code && !generated {
                found.push((index + 1, line));
            }
        }
        found
    }

    /// A message about a line of it.
    pub(crate) fn at(&self, line: usize, message: &str) -> String {
        format!("book/{}:{line}: {message}", self.path)
    }

    /// Whether it belongs to a lesson.
    pub(crate) fn is_of_a_lesson(&self) -> bool {
        self.path.starts_with("4-")
    }
}

/// Everything that is wrong with the prose of the book in `root`.
pub fn run(root: &Path) -> Result<(), String> {
    let book = root.join("book");
    let mut pages = Vec::new();
    for path in crate::files(&book, "md").map_err(|error| format!("book: {error}"))? {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let path = path.strip_prefix(&book).unwrap_or(&path).display().to_string();
        pages.push(Page { path, text });
    }
    let mut wrong = links::check(&book, &pages);
    wrong.extend(words::terms(&pages));
    wrong.extend(words::callouts(&pages));
    wrong.extend(words::times(&pages));
    wrong.extend(words::names(root, &pages).map_err(|error| error.to_string())?);
    wrong.extend(evidence::check(root, &pages).map_err(|error| error.to_string())?);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
