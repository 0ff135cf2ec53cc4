//! Lab 4.2: clean up behind a Database.

use solution_4_2_finalizers::reconcile::reconcile;
use std::process::ExitCode;

fn main() -> ExitCode {
    postgres_operator::lab::main(reconcile)
}
