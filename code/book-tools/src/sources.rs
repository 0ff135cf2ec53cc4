//! Reading Rust sources as text: the documentation of an item, and where a function starts and ends.

use std::{fs, io, path::Path};

/// The documentation above an item whose declaration contains `signature`, as one paragraph.
pub(crate) fn documentation(source: &str, signature: &str) -> Option<String> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let item = lines
        .iter()
        .position(|line| line.starts_with(signature) || line.contains(&format!(" {signature}")))?;
    let above = lines[..item].iter().rev();
    let above =
        above.take_while(|line| line.starts_with("///") || line.starts_with("#[") || line.starts_with("// "));
    let mut found: Vec<&str> = above.filter_map(|line| line.strip_prefix("///")).map(str::trim).collect();
    found.reverse();
    (!found.is_empty()).then(|| found.join(" "))
}

/// The first paragraph of a file's own documentation.
pub(crate) fn module_documentation(source: &str) -> Option<String> {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let first: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    (!first.is_empty()).then(|| first.join(" "))
}

/// First and last line of a function, or of the implementation of a trait for a type, counted from 1. It ends with the brace
/// that stands under its first letter.
pub(crate) fn item(source: &str, name: &str) -> Option<(usize, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let declares = |line: &str| {
        let after = line.split("fn ").nth(1).and_then(|rest| rest.strip_prefix(name));
        let is_function = after.is_some_and(|rest| rest.starts_with(['(', '<']));
        let is_implementation = line.starts_with("impl") && line.ends_with(&format!(" for {name} {{"));
        (is_function || is_implementation) && !line.trim_start().starts_with("//")
    };
    let first = lines.iter().position(|line| declares(line))?;
    let indent = lines[first].len() - lines[first].trim_start().len();
    let end = format!("{}}}", " ".repeat(indent));
    let last = lines[first..].iter().position(|line| *line == end)?;
    Some((first + 1, first + last + 1))
}

/// The path of the Rust file below a folder that has an item, relative to the root.
pub(crate) fn file_of(root: &Path, folder: &str, name: &str) -> io::Result<Option<String>> {
    for path in crate::files(&root.join(folder), "rs")? {
        if item(&fs::read_to_string(&path)?, name).is_some() {
            return Ok(Some(path.strip_prefix(root).unwrap_or(&path).display().to_string()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "//! About this.\n//! Still.\n//!\n//! More.\n\n/// Adds\n/// one.\n// ANCHOR: add\npub(crate) async fn add_one(a: i32) -> i32 {\n    if a > 0 {\n        a\n    }\n}\n\nimpl X {\n    fn add(self) {\n    }\n}\n";

    #[test]
    fn documentation_is_found_above_its_item() {
        assert_eq!(documentation(SOURCE, "fn add_one(").as_deref(), Some("Adds one."));
        assert_eq!(documentation(SOURCE, "fn add("), None);
        assert_eq!(module_documentation(SOURCE).as_deref(), Some("About this. Still."));
    }

    #[test]
    fn an_item_is_known_by_its_whole_name() {
        assert_eq!(item(SOURCE, "add_one"), Some((9, 13)));
        assert_eq!(item(SOURCE, "add"), Some((16, 17)));
        assert_eq!(item(SOURCE, "ad"), None);
        assert_eq!(item("impl Mistake for Late {\n    fn a() {\n    }\n}\n", "Late"), Some((1, 4)));
    }
}
