//! What is known of a kind's fields: one tree for built-in kinds and custom ones, used by decoding, pruning, defaults,
//! strategic merge and server-side apply; and the checks of custom resources.

pub(crate) mod builtin;
pub(crate) mod cel;
mod cel_fields;
pub(crate) mod custom;
pub(crate) mod decode;
pub(crate) mod default;
pub(crate) mod duplicates;
pub(crate) mod list_types;
pub(crate) mod node;
pub(crate) mod openapi;
pub(crate) mod prune;
mod ratchet;
pub(crate) mod structural;
pub(crate) mod validate;
pub(crate) mod validate_lists;
mod validate_scalars;

pub(crate) use node::{ListKind, Node, Scalar, Shape};
