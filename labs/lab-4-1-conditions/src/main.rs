//! Lab 4.1: the operator of Module 3, which now says how its databases are.

use lab_4_1_conditions::reconcile::reconcile;
use std::process::ExitCode;

fn main() -> ExitCode {
    postgres_operator::lab::main(reconcile)
}
