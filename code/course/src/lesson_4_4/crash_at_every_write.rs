//! Killed after each committed write in turn, the operator gets to the same end.

use super::cases::{Blow, at_each_write};
use crate::check::{Arena, Failure};

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    at_each_write(arena, Blow::Kill).await
}
