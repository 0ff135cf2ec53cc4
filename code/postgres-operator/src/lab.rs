//! What the labs stand on: a `main` for them, and a way to run with tasks that are not done yet.

use crate::{
    api::Database,
    conditions::Verdict,
    context::Context,
    error::Error,
    options::RunOptions,
    reason::Reason,
    watches::{Caches, Events, More, Scope},
};
use clap::Parser;
use futures::{StreamExt, stream};
use kube::{
    Client, Resource,
    runtime::{
        Controller,
        controller::Action,
        reflector::{self, Store},
    },
};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::ExitCode,
    sync::Arc,
};

/// An operator from a lab of the course
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    run: RunOptions,
}

/// A lab's `main`: reads the options and runs `reconcile` until a signal stops it.
pub fn main<F, Fut>(reconcile: F) -> ExitCode
where
    F: Fn(Arc<Database>, Arc<Context>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<Action, Error>> + Send + 'static,
{
    crate::run_until_stopped(Cli::parse().run, reconcile)
}

/// The same with watches of the lab's own.
pub fn main_with<W, F, Fut>(watch: W, reconcile: F) -> ExitCode
where
    W: FnOnce(&Client, &Scope, More) -> (Controller<Database>, Caches),
    F: Fn(Arc<Database>, Arc<Context>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<Action, Error>> + Send + 'static,
{
    crate::run_with(Cli::parse().run, watch, reconcile)
}

/// Asks for a verdict that may still be a `todo!()`: then it is Unknown, and the tasks that are done can be seen working.
/// Any other panic goes on.
pub fn attempt(type_: &'static str, verdict: impl FnOnce() -> Verdict) -> Verdict {
    done_or(|todo| Verdict::unknown(type_, Reason::NotImplemented, todo), verdict)
}

/// Does a task that may still be a `todo!()`. Then it is `otherwise`, which gets the text of the `todo!()`.
/// Any other panic goes on.
pub fn done_or<T>(otherwise: impl FnOnce(String) -> T, task: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(task)).unwrap_or_else(|panic| {
        let text = crate::run::panic_text(panic.as_ref());
        if text.starts_with("not yet implemented") { otherwise(text) } else { resume_unwind(panic) }
    })
}

/// A watch that may still be a `todo!()`: then nobody fills its store, and no event ever comes.
pub fn watch_or_none<K>(watch: impl FnOnce() -> (Store<K>, Events<K>)) -> (Store<K>, Events<K>)
where
    K: Resource<DynamicType = ()> + Clone + Send + 'static,
{
    done_or(|_| (reflector::store().0, stream::pending().boxed()), watch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_not_done_is_unknown() {
        let verdict = attempt("Ready", || todo!("task 3"));
        assert_eq!(verdict, Verdict::unknown("Ready", Reason::NotImplemented, "not yet implemented: task 3"));
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn a_mistake_is_not_hidden() {
        attempt("Ready", || panic!("index out of bounds"));
    }
}
