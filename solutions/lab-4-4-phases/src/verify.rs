//! Task 5: the question at the end of the way up.

use crate::memory::Memory;
use postgres_operator::{
    api::Database,
    context::Context,
    error::chain,
    external::{login::Login, postgres::log_in},
    observe::Observed,
    verify::application,
};

/// Task 5: tries the application's own login, unless the breaker is open.
// ANCHOR: solution-ask
pub async fn ask(db: &Database, observed: &Observed, ctx: &Context, memory: &Memory) -> Login {
    let Some((primary, credentials)) = application(db, observed) else {
        return Login::NoAnswer;
    };
    let Some(attempt) = memory.attempt(db) else {
        return Login::NoAnswer;
    };
    match log_in(ctx.logins.reach(), &primary, &credentials).await {
        Ok(version) => {
            attempt.answered();
            Login::Accepted { version }
        }
        Err(error) => {
            // A server that refuses is there. Only silence is for the breaker.
            if error.is_answer() {
                attempt.answered();
            }
            tracing::warn!(error = chain(&error), "the application's login");
            Login::from(error)
        }
    }
}
// ANCHOR_END: solution-ask
