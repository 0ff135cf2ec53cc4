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
///
/// - `application(db, observed)` says where, and with what; without that, or without an attempt from `memory`, there is no answer.
/// - `log_in(ctx.logins.reach(), …)` asks. Tell the attempt that it was answered: also by a refusal, see `PostgresError::is_answer`.
/// - A `Login` can be made from a `PostgresError`.
pub async fn ask(db: &Database, observed: &Observed, ctx: &Context, memory: &Memory) -> Login {
    todo!("task 5: ask PostgreSQL")
}
