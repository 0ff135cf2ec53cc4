//! Turns the book's chapters, with their snippets in place, into skeptic's tests.

use std::{env, path::PathBuf, process::exit};

fn main() {
    // Asked for when it runs: clones that share a target directory share this program too.
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
    for folder in ["book", "code", "labs", "solutions"] {
        println!("cargo:rerun-if-changed={}", root.join(folder).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("chapters");
    let chapters = std::fs::create_dir_all(&out)
        .map_err(|error| error.to_string())
        .and_then(|()| book_tools::expand_to(&root, &out));
    match chapters {
        Ok(chapters) => skeptic::generate_doc_tests(&chapters),
        Err(error) => {
            eprintln!("{error}");
            exit(1);
        }
    }
}
