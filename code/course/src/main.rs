//! `cargo course`: prepares a machine, runs the labs and checks them.

mod check;
mod cluster;
mod completions;
mod diff;
mod doctor;
mod here;
mod hint;
mod labs;
mod lesson_4_1;
mod lesson_4_2;
mod lesson_4_3;
mod lesson_4_4;
mod list;
mod package;
mod progress;
mod prove;
mod puzzle;
mod reset;
mod start;
mod stop;
mod watch;

use clap::{Parser, Subcommand};
use labs::{Lab, Target, Which};
use std::process::ExitCode;
use stop::Stop;

/// The course's own command
#[derive(Parser)]
#[command(name = "cargo course", bin_name = "cargo course")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what this machine lacks, what for, and the command that installs it
    #[command(after_help = "Example: cargo course doctor")]
    Doctor,
    /// List the labs, their checks, and the broken operators that prove them
    #[command(after_help = "Example: cargo course list")]
    List {
        #[command(flatten)]
        options: list::ListOptions,
    },
    /// Say where you are and what comes next
    #[command(after_help = "Example: cargo course start")]
    Start,
    /// Run a lab's operator against the current cluster, until Ctrl-C
    #[command(after_help = "Example: cargo course run 4.1 --solution")]
    Run {
        /// Number of the lab
        lab: Lab,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        cluster: cluster::ClusterOptions,
        /// Options of the operator, after `--`
        #[arg(last = true)]
        options: Vec<String>,
    },
    /// Check that a lab's operator keeps its promises
    #[command(after_help = "Example: cargo course check 4.1 --only ready-follows-reality")]
    Check {
        /// Number of the lab
        lab: Lab,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        cluster: cluster::ClusterOptions,
        #[command(flatten)]
        options: check::CheckOptions,
    },
    /// Run a check and show what the operator read and wrote, in order
    #[command(after_help = "Example: cargo course timeline 4.1 no-hot-loop --on sandbox")]
    Timeline {
        /// Number of the lab
        lab: Lab,
        /// Name of the check
        check: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        cluster: cluster::ClusterOptions,
    },
    /// Check your lab again whenever you save a file of it
    #[command(after_help = "Example: cargo course watch 4.1 --only ready-follows-reality")]
    Watch {
        /// Number of the lab
        lab: Lab,
        #[command(flatten)]
        cluster: cluster::ClusterOptions,
        #[command(flatten)]
        options: check::CheckOptions,
    },
    /// Give a hint for a check: 1 where to think, 2 what to write, 3 the solution
    #[command(after_help = "Example: cargo course hint 4.1 no-hot-loop --level 2")]
    Hint {
        /// Number of the lab
        lab: Lab,
        /// Name of the check
        check: String,
        /// How much to tell
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
        level: u8,
    },
    /// Show how your lab differs from its solution
    #[command(after_help = "Example: cargo course diff 4.1")]
    Diff {
        /// Number of the lab
        lab: Lab,
        /// The solution against the solution of the lab before it
        #[arg(long)]
        before: bool,
    },
    /// Put a lab back to its starter; asks first, and keeps your files
    #[command(after_help = "Example: cargo course reset 4.1")]
    Reset {
        /// Number of the lab
        lab: Lab,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show what the checks see of an operator with one mistake, for you to find
    #[command(after_help = "Example: cargo course break 3")]
    Break {
        /// Number of the broken operator
        number: usize,
        /// Tell the mistake
        #[arg(long)]
        answer: bool,
        #[command(flatten)]
        cluster: cluster::ClusterOptions,
    },
    /// Build the book and serve it on localhost
    #[command(after_help = "Example: cargo course book --port 3001")]
    Book {
        /// Port to serve it on
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
    /// Serve a Kubernetes API from this process, with nothing else to install
    #[command(after_help = "Example: cargo course sandbox --kubeconfig /tmp/sandbox.yaml")]
    Sandbox {
        /// Port to serve it on; 0 is any free one
        #[arg(long, default_value_t = 8001)]
        port: u16,
        /// What pods are
        #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
        pods: here::Pods,
        /// File to write a kubeconfig to. Default: .course/sandbox.yaml
        #[arg(long, value_name = "FILE")]
        kubeconfig: Option<std::path::PathBuf>,
    },
    /// Print completions for a shell. In bash they complete `cargo course`, in other shells a program named `course`
    #[command(after_help = "Example: source <(cargo course completions bash)")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prove the checks: solution and complete operator pass, the starter and each broken operator fail as they should
    #[command(after_help = "Example: cargo course prove 4.1")]
    Prove {
        /// Number of the lab
        lab: Lab,
        /// Try each broken operator only with the check that is there for its mistake, and the others without crashes, lost answers
        /// and outages
        #[arg(long)]
        quick: bool,
        #[command(flatten)]
        cluster: cluster::ClusterOptions,
    },
}

/// Checks that did not pass give 1, anything that kept them from running gives 2.
const COULD_NOT_RUN: u8 = 2;

/// A reader that has seen enough, `head` for example, is no failure of a command that only prints. One that runs operators goes on to
/// its end, and takes away what it made.
fn end_with_the_reader() {
    let otherwise = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(|text| text.contains("Broken pipe")) {
            std::process::exit(0);
        }
        otherwise(panic);
    }));
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command;
    if matches!(command, Command::List { .. } | Command::Hint { .. } | Command::Diff { .. }) {
        end_with_the_reader();
    }
    let done = dispatch(command).await;
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(COULD_NOT_RUN)
    })
}

async fn dispatch(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Doctor => doctor::run().await,
        Command::List { options } => list::run(&options),
        Command::Run { lab, which, cluster, options } => {
            run(lab, &which.target(lab)?, &cluster, &options).await
        }
        Command::Start => start::run().await,
        Command::Watch { lab, cluster, options } => {
            watch::run(lab, &cluster, &options, &Stop::at_a_signal()?).await
        }
        Command::Timeline { lab, check, which, cluster } => {
            let options = check::CheckOptions { timeline: true, ..check::CheckOptions::only(&check) };
            check::run(lab, &which.target(lab)?, &cluster, &options, &Stop::at_a_signal()?).await
        }
        Command::Hint { lab, check, level } => hint::run(lab, &check, level),
        Command::Diff { lab, before } => diff::run(lab, before),
        Command::Reset { lab, yes } => reset::run(lab, yes),
        Command::Break { number, answer: true, .. } => puzzle::answer(number),
        Command::Break { number, cluster, .. } => puzzle::run(number, &cluster, &Stop::at_a_signal()?).await,
        Command::Sandbox { port, pods, kubeconfig } => here::serve(port, pods, kubeconfig).await,
        Command::Book { port } => Err(book(port)),
        Command::Completions { shell } => {
            print!("{}", completions::script(shell));
            Ok(ExitCode::SUCCESS)
        }
        Command::Prove { lab, quick, cluster } => {
            prove::run(lab, quick, &cluster, &Stop::at_a_signal()?).await
        }
        Command::Check { lab, which, cluster, options } => {
            check::run(lab, &which.target(lab)?, &cluster, &options, &Stop::at_a_signal()?).await
        }
    }
}

/// Becomes mdBook's own server.
fn book(port: u16) -> String {
    let folder = package::root().display().to_string();
    let port = port.to_string();
    let arguments = ["serve", "--hostname", "127.0.0.1", "--port", &port, &folder];
    package::become_program(std::path::Path::new("mdbook"), arguments)
}

async fn run(
    lab: Lab,
    target: &Target,
    cluster: &cluster::ClusterOptions,
    options: &[String],
) -> Result<ExitCode, String> {
    let cluster = cluster::connect(cluster).await?;
    let program = package::build(&target.package(lab), &Stop::never()).await?;
    postgres_operator::crd::install(&cluster.client).await?;
    eprintln!("{} on {cluster}; Ctrl-C stops it", target.title(lab));
    let arguments = target.arguments().into_iter().chain(options.iter().cloned());
    if let Some(here) = &cluster.here {
        return here.run(&program, arguments).await;
    }
    let context = ["--context".to_owned(), cluster.context];
    Err(package::become_program(&program, arguments.chain(context)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let typed = format!("cargo course {}", command.get_name());
            assert!(help.contains(&typed), "{}: {help:?}", command.get_name());
        }
    }

    #[test]
    fn only_one_operator_is_checked_at_a_time() {
        let parse = |line: &str| Cli::try_parse_from(line.split_whitespace());
        assert!(parse("course check 4.1 --solution").is_ok());
        assert!(parse("course check 4.1 --solution --operator").is_err());
        assert!(parse("course check 9.9").is_err());
    }
}
