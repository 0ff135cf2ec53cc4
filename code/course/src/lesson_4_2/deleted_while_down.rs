//! A deletion while the operator is off completes at its start.

use super::{
    CLEANED_UP, NAME,
    backups::{dumps, folder, put},
    life::{delete, gone, is_there, leaves, made, nothing_kept},
};
use crate::check::{Arena, Failure};
use std::time::Instant;

pub(super) async fn check(arena: &Arena) -> Result<String, Failure> {
    put(&folder(arena, NAME).join("of-an-earlier-life.dump"))?;
    made(arena, NAME, nothing_kept(arena)).await?;
    arena.operator.stop().await?;
    delete(arena, NAME).await?;
    is_there(arena, NAME).await?;
    let started = Instant::now();
    arena.operator.start().map_err(|error| Failure::new("the operator starts again", error))?;
    gone(arena, NAME, CLEANED_UP).await?;
    leaves(arena, NAME, &[]).await?;
    let backups = dumps(arena, NAME);
    if !backups.is_empty() {
        return Err(Failure::new("no backup is left by the policy Delete", format!("{backups:?}")));
    }
    Ok(format!("cleaned up {:.1} s after the operator's start", started.elapsed().as_secs_f64()))
}
