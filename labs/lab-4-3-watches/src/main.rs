//! Lab 4.3: the operator of lab 4.2, with watches of its own.

use lab_4_3_watches::{reconcile::reconcile, watches::controller};
use std::process::ExitCode;

fn main() -> ExitCode {
    postgres_operator::lab::main_with(controller, reconcile)
}
