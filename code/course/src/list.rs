//! What there is: labs with their checks and broken operators, and the commands themselves. The book's reference pages are
//! written from it.

use crate::{
    Cli,
    labs::{Lab, Target},
    progress::Progress,
    start::line,
};
use clap::{Arg, CommandFactory};
use serde::Serialize;
use std::process::ExitCode;

/// How to tell.
#[derive(clap::Args, Clone)]
pub(crate) struct ListOptions {
    /// Print one JSON document, with the commands' own options, instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Everything {
    labs: Vec<LabEntry>,
    commands: Vec<CommandEntry>,
}

#[derive(Serialize)]
struct LabEntry {
    lab: String,
    /// Packages of the reader's operator and of the solution.
    package: String,
    solution: String,
    checks: Vec<CheckEntry>,
    broken: Vec<BrokenEntry>,
}

#[derive(Serialize)]
struct CheckEntry {
    name: &'static str,
    hint: &'static str,
}

#[derive(Serialize)]
struct BrokenEntry {
    name: &'static str,
    /// The one check that it fails.
    fails: &'static str,
}

#[derive(Serialize)]
struct CommandEntry {
    name: String,
    about: String,
    usage: String,
    example: Option<String>,
    options: Vec<OptionEntry>,
}

#[derive(Serialize)]
struct OptionEntry {
    /// As it is typed: `--only <NAME>`, `<LAB>`.
    typed: String,
    help: String,
    /// The values that it takes, if it takes only some.
    values: Vec<String>,
    default: Option<String>,
}

/// Prints everything that there is.
pub(crate) fn run(options: &ListOptions) -> Result<ExitCode, String> {
    let everything = everything();
    if options.json {
        let text = serde_json::to_string_pretty(&everything).map_err(|error| error.to_string())?;
        println!("{text}");
    } else {
        let progress = Progress::load();
        Lab::ALL.iter().zip(&everything.labs).for_each(|(lab, entry)| print(*lab, entry, &progress));
    }
    Ok(ExitCode::SUCCESS)
}

fn everything() -> Everything {
    let labs = Lab::ALL.into_iter().map(lab).collect();
    let mut cli = Cli::command();
    cli.build();
    let commands = cli.get_subcommands_mut().filter(|it| it.get_name() != "help" && !it.is_hide_set());
    Everything { labs, commands: commands.map(command).collect() }
}

fn lab(lab: Lab) -> LabEntry {
    let checks = lab.lesson().checks.iter();
    let broken = lab.lesson().broken.iter();
    LabEntry {
        lab: lab.to_string(),
        package: Target::Lab.package(lab),
        solution: Target::Solution.package(lab),
        checks: checks.map(|check| CheckEntry { name: check.name, hint: check.hint }).collect(),
        broken: broken.map(|it| BrokenEntry { name: it.name, fails: it.fails }).collect(),
    }
}

fn command(command: &mut clap::Command) -> CommandEntry {
    let usage = command.render_usage().to_string();
    let shown = command.get_arguments().filter(|it| it.get_id() != "help" && !it.is_hide_set());
    CommandEntry {
        name: command.get_name().to_owned(),
        about: command.get_about().map(ToString::to_string).unwrap_or_default(),
        usage: usage.trim_start_matches("Usage:").trim().to_owned(),
        example: command.get_after_help().map(ToString::to_string),
        options: shown.map(option).collect(),
    }
}

fn option(argument: &Arg) -> OptionEntry {
    let name = argument.get_value_names().and_then(|names| names.first());
    let value = name.filter(|_| argument.get_action().takes_values()).map(|name| format!("<{name}>"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let typed: Vec<String> = long.into_iter().chain(value).collect();
    let typed = typed.join(" ");
    let default = argument.get_default_values().first().filter(|_| argument.get_action().takes_values());
    let values = argument.get_possible_values();
    let values = values.iter().filter(|_| argument.get_action().takes_values());
    OptionEntry {
        values: values.map(|value| value.get_name().to_owned()).collect(),
        typed: if argument.is_last_set() { format!("-- {typed}") } else { typed },
        help: argument.get_help().map(ToString::to_string).unwrap_or_default(),
        default: default.map(|value| value.to_string_lossy().into_owned()),
    }
}

fn print(lab: Lab, entry: &LabEntry, progress: &Progress) {
    println!("{}", line(lab, progress));
    for check in &entry.checks {
        let mark = if progress.has(lab, check.name) { "✓" } else { "·" };
        let mistakes = entry.broken.iter().filter(|broken| broken.fails == check.name);
        let mistakes: Vec<&str> = mistakes.map(|broken| broken.name).collect();
        println!("    {mark} {:<30} fails for {}", check.name, mistakes.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_listed_as_they_are_typed() {
        let commands = everything().commands;
        let check = commands.iter().find(|command| command.name == "check").unwrap();
        assert!(check.usage.starts_with("cargo course check"), "{}", check.usage);
        let typed: Vec<&str> = check.options.iter().map(|option| option.typed.as_str()).collect();
        assert!(
            typed.contains(&"<LAB>") && typed.contains(&"--solution") && typed.contains(&"--only <NAME>"),
            "{typed:?}"
        );
        let hint = commands.iter().find(|command| command.name == "hint").unwrap();
        let level = hint.options.iter().find(|option| option.typed.starts_with("--level")).unwrap();
        assert_eq!(level.default.as_deref(), Some("1"));
        assert!(check.options.iter().all(|option| !option.help.is_empty()));
    }
}
