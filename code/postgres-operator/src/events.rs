//! Kubernetes Events: the few things that a person who types `kubectl describe` should find.

use crate::{api::Database, context::Context, error::chain, observe::Observed, phase::Phase};
use kube::{
    Resource,
    runtime::events::{Event, EventType},
};

/// Tells that a Database has come into a phase that somebody may be waiting for or have to act on. Never more than one Event
/// for each phase that the status reported.
///
/// A phase that may not follow the one before is logged, and no more: somebody has written the one before by hand, or the table
/// is wrong. What is observed is right in either case.
pub async fn tell(before: &Database, now: &Database, ctx: &Context) {
    let phase = |db: &Database| db.status.as_ref().and_then(|status| status.phase);
    let Some(reached) = phase(now).filter(|reached| phase(before) != Some(*reached)) else { return };
    if let Some(left) = phase(before).filter(|left| !left.next().contains(&reached)) {
        tracing::warn!(%left, %reached, "a phase that does not follow the one before");
    }
    let message = |type_: &str| {
        let condition = now.conditions().iter().find(|condition| condition.type_ == type_);
        condition.map(|condition| condition.message.clone()).unwrap_or_default()
    };
    match reached {
        Phase::Ready => publish(now, EventType::Normal, "Ready", "Verify", message("Ready"), ctx).await,
        Phase::Updating => {
            publish(now, EventType::Normal, "Updating", "Update", message("Progressing"), ctx).await;
        }
        Phase::Failed => {
            publish(now, EventType::Warning, "Failed", "Reconcile", message("Failed"), ctx).await;
        }
        _ => {}
    }
}

/// Tells that a pass has changed the application's password, once the application can log in with it.
pub async fn tell_of_password(db: &Database, observed: &Observed, ctx: &Context) {
    if observed.password_changed && observed.is_verified() {
        let note = format!("the role {} has the password of Secret {}", db.spec.username, db.secret_name());
        publish(db, EventType::Normal, "PasswordChanged", "ChangePassword", note, ctx).await;
    }
}

/// Publishes an Event. Nothing depends on one: what goes wrong is logged.
pub async fn publish(
    db: &Database,
    type_: EventType,
    reason: &str,
    action: &str,
    note: String,
    ctx: &Context,
) {
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: action.to_owned(),
        secondary: None,
    };
    if let Err(error) = ctx.recorder.publish(&event, &db.object_ref(&())).await {
        tracing::warn!(reason, error = chain(&error), "the Event was not recorded");
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
