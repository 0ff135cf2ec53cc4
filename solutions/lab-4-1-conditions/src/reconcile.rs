//! Given: Module 3's reconcile, with a report at its end.

use crate::{conditions::conditions, report::report};
use jiff::Timestamp;
use kube::runtime::controller::Action;
use postgres_operator::{
    api::Database,
    context::Context,
    error::Error,
    reconcile::{children, next},
};
use std::sync::Arc;

/// One pass over one Database.
// ANCHOR: solution-reconcile
pub async fn reconcile(db: Arc<Database>, ctx: Arc<Context>) -> Result<Action, Error> {
    // A refused child is not an `Err` here but part of the outcome, so that the report below happens in any case.
    let outcome = children(&db, &ctx).await?;
    let conditions = conditions(&db, &outcome, Timestamp::now());
    report(&db, conditions, &ctx).await?;
    Ok(next(&db, &outcome, &ctx))
}
// ANCHOR_END: solution-reconcile
