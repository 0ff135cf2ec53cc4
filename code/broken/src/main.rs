//! Known-wrong operators. Each is the solution of a lab with one mistake, one that real operators have made.

mod conditions;
mod finalizers;
mod phases;
mod watches;

use clap::Parser;
use postgres_operator::options::RunOptions;
use std::process::ExitCode;

/// Runs one of them.
type Operator = fn(RunOptions) -> ExitCode;

/// A known-wrong operator
#[derive(Parser)]
struct Cli {
    /// The mistake, named after what is wrong
    #[arg(value_parser = find)]
    mistake: Operator,
    #[command(flatten)]
    run: RunOptions,
}

/// Finds a mistake by its name, lesson by lesson.
fn find(mistake: &str) -> Result<Operator, String> {
    let lessons = [conditions::operator, finalizers::operator, watches::operator, phases::operator];
    let mut found = lessons.iter().filter_map(|operator| operator(mistake));
    found.next().ok_or_else(|| "there is no such broken operator".to_owned())
}

fn main() -> ExitCode {
    let Cli { mistake, run } = Cli::parse();
    mistake(run)
}
