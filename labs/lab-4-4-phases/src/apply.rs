//! Task 4: one child, brought to what it should be, from whatever point.

use postgres_operator::{
    api::Database,
    apply::{Answer, Existing, Written, carry_out, existing, is_stale, send, take_note},
    blocked::Blocked,
    child::Child,
    context::Context,
    error::Error,
    observe::Observed,
    plan::Step,
};
use serde_json::json;

/// Given: carries steps out, and adds what the API server answers to what is observed.
pub async fn apply(
    steps: &[Step],
    db: &Database,
    observed: &mut Observed,
    ctx: &Context,
) -> Result<(), Error> {
    for step in steps {
        let written = match step {
            Step::Apply { child, uid } => apply_child(child, uid.as_deref(), db, ctx).await?,
            step => carry_out(step, db, observed, ctx).await?,
        };
        if take_note(written, db, observed, ctx).is_break() {
            break;
        }
    }
    Ok(())
}

/// Task 4: applies a child, to the object that was observed or to none.
///
/// - `observed` is the UID of the object that was observed. Without one, ask the API server what it has under the name:
///   `existing(&child.api(ctx), kind, name, db)`. A stranger's object is refused with `child.name_taken()`.
/// - With a UID, `metadata.uid` in the patch makes the API server refuse it for any other object.
/// - `send` applies. Its answer makes a `Written::Done`, with `child.what()`. A refusal for which `is_stale` is
///   true is `Error::Stale`, any other is `Written::Refused` with `Blocked::refused`; no answer at all is `Error::Write`.
pub async fn apply_child(
    child: &Child,
    observed: Option<&str>,
    db: &Database,
    ctx: &Context,
) -> Result<Written, Error> {
    todo!("task 4: apply a child")
}
