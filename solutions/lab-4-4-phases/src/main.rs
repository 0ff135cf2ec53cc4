//! Lab 4.4: bring a Database up in phases.

use solution_4_3_watches::watches::controller;
use solution_4_4_phases::{memory::Memory, reconcile::reconcile};
use std::process::ExitCode;

fn main() -> ExitCode {
    // All passes share it, for as long as the process lives.
    let memory: &'static Memory = Box::leak(Box::default());
    postgres_operator::lab::main_with(controller, move |db, ctx| reconcile(db, ctx, memory))
}
