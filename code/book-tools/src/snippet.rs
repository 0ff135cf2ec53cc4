//! Rust in a chapter: a piece of a source file, with a caption; for a compiler, with the rest of its file around it.

use crate::{
    Audience,
    anchors::{Anchor, is_marker},
};
use std::{fs, io, path::Path};

/// The crates that snippets use, each with the text by which it is recognised.
const CRATES: [(&str, &str); 19] = [
    ("futures", "futures::"),
    ("jiff", "jiff::"),
    ("k8s_openapi", "k8s_openapi::"),
    ("kube", "kube::"),
    ("object_store", "object_store::"),
    ("postgres_operator", "postgres_operator::"),
    ("rand", "rand::"),
    ("schemars", "KubeSchema"), // in what the derive makes
    ("schemars", "schemars::"),
    ("secrecy", "secrecy::"),
    ("serde", "serde::"),
    ("serde_json", "serde_json::"),
    ("solution_4_1_conditions", "solution_4_1_conditions::"),
    ("solution_4_2_finalizers", "solution_4_2_finalizers::"),
    ("solution_4_3_watches", "solution_4_3_watches::"),
    ("solution_4_4_phases", "solution_4_4_phases::"),
    ("thiserror", "thiserror::"),
    ("tokio", "tokio::"),
    ("tracing", "tracing::"),
];

/// The longest snippet that a reader takes in at once.
pub const MOST_LINES: usize = 40;

/// A snippet as Markdown. `repository` is the address of the repository's web page, for a link to the lines.
pub fn render(
    anchor: &Anchor,
    root: &Path,
    audience: Audience,
    repository: Option<&str>,
) -> io::Result<String> {
    let code = match audience {
        Audience::Reader => dedent(&anchor.text).join("\n"),
        Audience::Compiler => whole_file(anchor, root)?,
    };
    let file = anchor.file.display();
    let lines = format!("lines {}–{}", anchor.first, anchor.last);
    let source = match repository {
        Some(url) => {
            let url = url.trim_end_matches('/');
            format!(
                "<a href=\"{url}/blob/main/{file}#L{}-L{}\">{file}</a>, {lines}",
                anchor.first, anchor.last
            )
        }
        None => format!("{file}, {lines}"),
    };
    // `no_run`: a piece of an operator is compiled, and its tests run it.
    Ok(format!("```rust,no_run\n{code}\n```\n\n<p class=\"caption\">{source}</p>\n"))
}

/// Without the indentation that all lines share.
fn dedent(lines: &[String]) -> Vec<&str> {
    let indent = |line: &String| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(shared..).unwrap_or_default()).collect()
}

/// The file with all lines hidden but the snippet's, so that it compiles where it is shown. Its own tests are left out, and
/// `crate` becomes the name of the crate.
fn whole_file(anchor: &Anchor, root: &Path) -> io::Result<String> {
    let text = fs::read_to_string(root.join(&anchor.file))?;
    let name = crate_name(&anchor.file);
    let mut code = vec!["# #![allow(unused, missing_docs, unreachable_pub)]".to_owned()];
    // rustdoc is told where crates are, and not which.
    let others = CRATES.into_iter().filter(|(other, sign)| *other != name && text.contains(sign));
    let own = text.contains("crate::").then_some(name.as_str());
    code.extend(others.map(|(other, _)| other).chain(own).map(|name| format!("# extern crate {name};")));
    for (index, line) in text.lines().enumerate() {
        let shown = (anchor.first..=anchor.last).contains(&(index + 1));
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if is_marker(line) || line.starts_with("//!") || line.starts_with("#![") {
            continue;
        }
        let line = line.replace("crate::", &format!("{name}::")).replace("pub(crate) ", "pub ");
        code.push(if shown { line } else { format!("# {line}") });
    }
    code.push("# fn main() {}".to_owned());
    Ok(code.join("\n"))
}

/// `code/postgres-operator/src/…` is in `postgres_operator`, `solutions/lab-4-1-conditions/src/…` in
/// `solution_4_1_conditions`.
fn crate_name(file: &Path) -> String {
    let mut parts = file.iter().map(|part| part.to_string_lossy());
    let (top, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let name = match top.as_ref() {
        "solutions" => package.replacen("lab-", "solution-", 1),
        _ => package.into_owned(),
    };
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn the_reader_sees_the_piece_and_the_compiler_the_file() {
        let root = tempfile::tempdir().unwrap();
        let file = PathBuf::from("code/some-crate/src/a.rs");
        fs::create_dir_all(root.path().join("code/some-crate/src")).unwrap();
        let source = "//! Docs.\nuse crate::b::B;\n    // ANCHOR: x\n    fn f(b: B) {\n    }\n    // ANCHOR_END: x\n#[cfg(test)]\nmod tests {}\n";
        fs::write(root.path().join(&file), source).unwrap();
        let text = vec!["    fn f(b: B) {".to_owned(), "    }".to_owned()];
        let anchor = Anchor { file, first: 4, last: 5, text };
        let reader = render(&anchor, root.path(), Audience::Reader, Some("https://example.com/r/")).unwrap();
        assert_eq!(
            reader,
            "```rust,no_run\nfn f(b: B) {\n}\n```\n\n<p class=\"caption\"><a href=\"https://example.com/r/blob/main/code/some-crate/src/a.rs#L4-L5\">code/some-crate/src/a.rs</a>, lines 4–5</p>\n"
        );
        let compiler = render(&anchor, root.path(), Audience::Compiler, None).unwrap();
        assert!(
            compiler.contains("\n# use some_crate::b::B;\n    fn f(b: B) {\n    }\n# fn main() {}\n"),
            "{compiler}"
        );
        assert!(compiler.contains("\n# extern crate some_crate;\n"));
        assert!(!compiler.contains("mod tests"));
    }

    #[test]
    fn crates_are_named_after_their_folders() {
        for (file, name) in [
            ("code/postgres-operator/src/plan.rs", "postgres_operator"),
            ("solutions/lab-4-1-conditions/src/report.rs", "solution_4_1_conditions"),
            ("labs/lab-4-1-conditions/src/report.rs", "lab_4_1_conditions"),
        ] {
            assert_eq!(crate_name(Path::new(file)), name);
        }
    }
}
