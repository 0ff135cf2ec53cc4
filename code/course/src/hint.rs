//! Hints in three levels: where to think, where to write, and what the solution wrote.

use crate::{
    check::{Check, Lesson},
    labs::Lab,
    package,
};
use std::{path::Path, process::ExitCode};

/// A piece of work in a lab.
pub(crate) struct Task {
    /// File below `src`.
    pub(crate) file: &'static str,
    /// The function to write.
    pub(crate) function: &'static str,
    /// Checks that need it.
    pub(crate) checks: &'static [&'static str],
}

/// Prints a hint for a check.
pub(crate) fn run(lab: Lab, check: &str, level: u8) -> Result<ExitCode, String> {
    let lesson = lab.lesson();
    let found = lesson.checks.iter().find(|known| known.name == check);
    let names = || lesson.checks.iter().map(|check| check.name).collect::<Vec<_>>().join(", ");
    let found = found.ok_or_else(|| format!("lab {lab} has no check {check:?}; it has {}", names()))?;
    println!("{}", text(lab, lesson, found, level)?);
    Ok(ExitCode::SUCCESS)
}

fn text(lab: Lab, lesson: &Lesson, check: &Check, level: u8) -> Result<String, String> {
    if level == 1 {
        return Ok(format!("{}\n\nMore: cargo course hint {lab} {} --level 2", check.hint, check.name));
    }
    let folder = if level == 2 { "labs" } else { "solutions" };
    let tasks = lesson.tasks.iter().filter(|task| task.checks.contains(&check.name));
    let told = tasks.map(|task| {
        let path = Path::new(folder).join(lab.folder()).join("src").join(task.file);
        let source = std::fs::read_to_string(package::root().join(&path))
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let function = function(&source, task.function)
            .ok_or_else(|| format!("{} has no function {}", path.display(), task.function))?;
        // The task is in the words above the function; below them is what the reader has written so far.
        let shown = if level == 2 { words(&function) } else { function };
        Ok(format!("{}, fn {}:\n\n{shown}", path.display(), task.function))
    });
    let told: Vec<String> = told.collect::<Result<_, String>>()?;
    let more = if level == 2 {
        format!("\n\nMore: cargo course hint {lab} {} --level 3, which is the solution", check.name)
    } else {
        String::new()
    };
    Ok(told.join("\n\n") + &more)
}

/// A function's text with the comments above it.
pub(crate) fn function(source: &str, name: &str) -> Option<String> {
    let (plain, generic) = (format!("fn {name}("), format!("fn {name}<"));
    let head = |line: &str| line.contains(&plain) || line.contains(&generic);
    item(source, head, head)
}

/// The lines from the comments above the first line that begins it, to the end of the block that a later line opens, or the same:
/// that is the first line that closes a block at the column of the beginning.
pub(crate) fn item(
    source: &str,
    begins: impl Fn(&str) -> bool,
    opens: impl Fn(&str) -> bool,
) -> Option<String> {
    let lines: Vec<&str> =
        source.lines().filter(|line| !line.trim_start().starts_with("// ANCHOR")).collect();
    let head = lines.iter().position(|line| begins(line))?;
    let indent = lines[head].len() - lines[head].trim_start().len();
    let above = lines[..head].iter().rev();
    let above =
        above.take_while(|line| line.trim_start().starts_with("//") || line.trim_start().starts_with("#["));
    let first = head - above.count();
    let block = head + lines[head..].iter().position(|line| opens(line))?;
    let end =
        lines[block..].iter().position(|line| line.trim_end() == format!("{}}}", " ".repeat(indent)))?;
    let shown = lines[first..=block + end].iter().map(|line| line.get(indent..).unwrap_or_default());
    Some(shown.collect::<Vec<_>>().join("\n"))
}

/// The words of a documentation comment.
pub(crate) fn words(function: &str) -> String {
    let words = function.lines().filter_map(|line| line.strip_prefix("///"));
    words.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_with_the_words_above_it_and_ends_where_it_ends() {
        let source = "use a;\n\n/// Task 1: writes.\n///\n/// - carefully\n// ANCHOR: x\npub fn report(db: &Db) {\n    if db {\n    }\n}\n// ANCHOR_END: x\n\nfn other() {\n}\n";
        let found = function(source, "report").unwrap();
        assert_eq!(
            found,
            "/// Task 1: writes.\n///\n/// - carefully\npub fn report(db: &Db) {\n    if db {\n    }\n}"
        );
        assert_eq!(words(&found), "Task 1: writes.\n\n- carefully");
        assert_eq!(function(source, "missing"), None);
    }

    #[test]
    fn every_check_has_three_levels_and_every_task_is_there() {
        for lab in Lab::ALL {
            let lesson = lab.lesson();
            for check in lesson.checks {
                let [think, write, solution] =
                    [1, 2, 3].map(|level| text(lab, lesson, check, level).unwrap());
                assert!(think.starts_with(check.hint), "{think}");
                assert!(write.starts_with("labs/") && write.contains("Task "), "{}: {write}", check.name);
                assert!(
                    solution.starts_with("solutions/") && solution.contains("\n}"),
                    "{}: {solution}",
                    check.name
                );
            }
            for named in lesson.tasks.iter().flat_map(|task| task.checks) {
                assert!(lesson.checks.iter().any(|check| check.name == *named), "{lab}: no check {named}");
            }
        }
    }
}
