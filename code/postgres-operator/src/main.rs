//! The `postgres-operator` command.

use clap::{Parser, Subcommand};
use postgres_operator::{crd, options::RunOptions, phase, reason, reconcile::reconcile, run_until_stopped};
use std::process::ExitCode;

/// Keeps PostgreSQL databases as their Database objects want them
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator until SIGINT or SIGTERM
    Run(RunOptions),
    /// Print the CustomResourceDefinition as YAML
    Crdgen,
    /// Print the phases and which may follow which
    Phases {
        /// As a Mermaid state diagram
        #[arg(long)]
        mermaid: bool,
    },
    /// Print the reasons that conditions carry, and what each means
    Reasons,
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(options) => run_until_stopped(options, reconcile),
        Command::Crdgen => {
            print!("{}", crd::yaml());
            ExitCode::SUCCESS
        }
        Command::Phases { mermaid } => {
            print!("{}", if mermaid { phase::mermaid() } else { phase::table() });
            ExitCode::SUCCESS
        }
        Command::Reasons => {
            print!("{}", reason::table());
            ExitCode::SUCCESS
        }
    }
}
