//! What the caches keep of a child.
//!
//! A type of k8s-openapi takes the room of all its fields, however few of them are there: 2.5 KB for a StatefulSet without its pod
//! template, 0.8 KB for a Service of which only the owner matters. So what a watch tells is read into such a type, and kept in one of
//! our own.

mod kinds;
mod parts;

pub use kinds::{Server, Servers};
pub(crate) use parts::checksum;
pub use parts::{InParts, Kept};
