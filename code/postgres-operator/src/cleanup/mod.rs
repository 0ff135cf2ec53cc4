//! Cleanup: what has to happen before a Database may go. A sequence of steps that is derived, at each pass, from what is left.
//!
//! [`look`] finds what is left, [`next_step`] decides, [`tell`] reports, [`carry_out`] does it, and [`clean_up`] puts them
//! together.

mod carry_out;
mod left;
mod pass;
mod step;
mod tell;

pub use carry_out::carry_out;
pub use left::{BackupState, Left, look, still_deleted};
pub use pass::clean_up;
pub use step::{Step, next_step};
pub use tell::tell;

use crate::api::Database;
use kube::ResourceExt;
use std::time::Duration;

/// When to look again at what is waited for. Most of it tells by an event; this is for what does not.
pub const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Annotation by which a user gives up the final backup.
pub const GIVE_UP: &str = "database.example.com/give-up-final-backup";

/// Whether the user gives up the final backup.
pub fn is_given_up(db: &Database) -> bool {
    db.annotations().get(GIVE_UP).is_some_and(|value| value == "true")
}
