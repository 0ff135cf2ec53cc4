//! `cargo course break`: a broken operator without its name, for the reader to diagnose.

use crate::{
    check::{self, Broken, CheckOptions},
    cluster::ClusterOptions,
    hint::{function, item, words},
    labs::{Lab, Target},
    package,
    stop::Stop,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Below the root of the workspace.
const SOURCES: &str = "code/broken/src";

/// Shows what the check sees of broken operator number `number`.
pub(crate) async fn run(number: usize, cluster: &ClusterOptions, stop: &Stop) -> Result<ExitCode, String> {
    let (lab, broken) = find(number)?;
    let options = CheckOptions::only(broken.fails);
    let target = Target::Unnamed { name: broken.name.to_owned(), number };
    let checked = check::run(lab, &target, cluster, &options, stop).await?;
    println!("\nWhich line would you look at first? Decide, then see: cargo course break {number} --answer");
    Ok(checked)
}

/// Tells what is wrong with broken operator number `number`.
pub(crate) fn answer(number: usize) -> Result<ExitCode, String> {
    let (lab, broken) = find(number)?;
    println!("{}", told(lab, broken)?);
    Ok(ExitCode::SUCCESS)
}

/// All broken operators, in the order of the lessons.
fn all() -> Vec<(Lab, &'static Broken)> {
    Lab::ALL.into_iter().flat_map(|lab| lab.lesson().broken.iter().map(move |broken| (lab, broken))).collect()
}

fn find(number: usize) -> Result<(Lab, &'static Broken), String> {
    let all = all();
    let found = number.checked_sub(1).and_then(|index| all.get(index)).copied();
    found.ok_or_else(|| format!("there is no broken operator {number}; there are 1 to {}", all.len()))
}

/// What is wrong, in the words above its code, and the code.
fn told(lab: Lab, broken: &Broken) -> Result<String, String> {
    let root = package::root();
    for file in sources(&root.join(SOURCES))? {
        let source = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some(code) = code(&source, broken.name) {
            let file = file.strip_prefix(&root).unwrap_or(&file).display();
            let heading = format!("{}, which breaks {} of lab {lab}.", broken.name, broken.fails);
            return Ok(format!("{heading}\n\n{}\n\n{file}:\n\n{code}", words(&code)));
        }
    }
    Err(format!("the code of {} is not in {SOURCES}", broken.name))
}

/// A mistake is a function of its name, or a type of its name with what it does otherwise.
fn code(source: &str, name: &str) -> Option<String> {
    let type_ = camel(name);
    let (declared, implemented) = (format!("struct {type_};"), format!(" for {type_} {{"));
    let of_a_type = || item(source, |line| line.ends_with(&declared), |line| line.contains(&implemented));
    function(source, &name.replace('-', "_")).or_else(of_a_type)
}

/// `no-backoff` as a type is called: `NoBackoff`.
fn camel(name: &str) -> String {
    let upper = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-').map(upper).collect()
}

/// All files below a folder, in order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() { files.extend(sources(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_operator_has_a_number_and_an_answer() {
        let all = all();
        for (index, (lab, broken)) in all.iter().enumerate() {
            let (found, same) = find(index + 1).unwrap();
            assert_eq!((found, same.name), (*lab, broken.name));
            let told = told(*lab, broken).unwrap();
            assert!(told.starts_with(broken.name), "{told}");
            let has_code = told.contains("fn ") && told.trim_end().ends_with('}');
            assert!(has_code && told.contains(".rs:\n\n/// Mistake: "), "{told}");
        }
        for number in [0, all.len() + 1] {
            assert!(find(number).is_err());
        }
    }

    #[test]
    fn a_mistake_that_is_a_type_is_told_with_what_it_does() {
        let source = "/// Mistake: a.\nstruct NoBackoff;\n\nimpl Mistake for NoBackoff {\n    fn next() {\n    }\n}\n\nstruct Other;\n";
        let told = code(source, "no-backoff").unwrap();
        assert!(told.starts_with("/// Mistake: a.") && told.ends_with("    }\n}"), "{told}");
        assert_eq!(code(source, "other"), None);
    }
}
