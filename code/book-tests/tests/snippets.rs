//! One test for each Rust block of the book.

#![allow(missing_docs, clippy::all, clippy::pedantic)]

include!(concat!(env!("OUT_DIR"), "/skeptic-tests.rs"));
