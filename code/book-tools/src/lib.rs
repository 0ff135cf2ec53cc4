//! What stands between the book's Markdown and mdBook.
//!
//! A chapter names what it shows, and this crate fetches it: Rust from the crates ([`anchors`], [`snippet`]), console output
//! from recorded sessions ([`console`]), diagrams drawn from text ([`diagram`]). Pages of reference are written by
//! [`mod@reference`], and [`lint`] reads the prose. A name that leads nowhere, and a piece that no chapter shows, fail the
//! build; mdBook by itself is silent about both.

pub mod anchors;
pub mod book;
pub mod capture;
pub mod console;
pub mod diagram;
pub mod lint;
pub mod reference;
mod references;
pub mod snippet;
mod sources;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// For whom a chapter is prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A reader: a snippet is what it is.
    Reader,
    /// A compiler: a snippet comes with the rest of its file, hidden.
    Compiler,
}

/// Writes every chapter of the book in `root`, ready for a compiler, to a folder. Returns the files that have Rust in them.
pub fn expand_to(root: &Path, to: &Path) -> Result<Vec<PathBuf>, String> {
    let error = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let mut library = book::Library::read(root, Audience::Compiler, None)?;
    let mut written = Vec::new();
    let book = root.join("book");
    for path in files(&book, "md").map_err(|it| error(&book, it))? {
        let text = fs::read_to_string(&path).map_err(|it| error(&path, it))?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let expanded = library.expand(&name, &text)?;
        if expanded.contains("```rust") {
            let target = to.join(name.replace('/', "_"));
            fs::write(&target, expanded).map_err(|it| error(&target, it))?;
            written.push(target);
        }
    }
    Ok(written)
}

/// The files below a folder whose names end in an extension, in order.
pub(crate) fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
