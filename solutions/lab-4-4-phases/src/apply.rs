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
// ANCHOR: solution-apply
pub async fn apply_child(
    child: &Child,
    observed: Option<&str>,
    db: &Database,
    ctx: &Context,
) -> Result<Written, Error> {
    let uid = match observed {
        Some(uid) => Some(uid.to_owned()),
        // The caches hold what carries our label. Under the name there may still be something.
        None => match existing(&child.api(ctx), &child.resource.kind, &child.name, db).await? {
            Existing::None => None,
            Existing::Ours(uid) => uid,
            Existing::Strangers => return Ok(Written::Refused(child.name_taken())),
        },
    };
    let mut desired = child.desired.clone();
    if let Some(uid) = uid {
        desired["metadata"]["uid"] = json!(uid);
    }
    sorted(child, send(child, &desired, db, ctx).await)
}
// ANCHOR_END: solution-apply

// ANCHOR: solution-sorted
fn sorted(child: &Child, answer: Result<Answer, kube::Error>) -> Result<Written, Error> {
    let what = child.what();
    match answer {
        Ok(answer) => Ok(Written::Done { what, answer }),
        Err(kube::Error::Api(status)) if is_stale(&status) => Err(Error::Stale { what }),
        Err(kube::Error::Api(status)) => {
            tracing::warn!(%what, reason = status.reason, answer = status.message, "refused");
            Ok(Written::Refused(Blocked::refused(&child.resource.kind, &child.name, &status)))
        }
        Err(source) => Err(Error::Write { what, source }),
    }
}
// ANCHOR_END: solution-sorted
