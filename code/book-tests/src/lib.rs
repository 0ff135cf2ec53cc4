//! The tests are made from the book by `build.rs`; see `tests/snippets.rs`.
