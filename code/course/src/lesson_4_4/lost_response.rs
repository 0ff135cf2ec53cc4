//! With each committed write's answer lost in turn, the operator gets to the same end, and makes nothing twice.

use super::cases::{Blow, at_each_write};
use crate::check::{Arena, Failure};

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    at_each_write(arena, Blow::Silence).await
}
