//! `cargo course break`: a broken operator without its name, for the reader to diagnose.

use crate::{
    check::{self, Broken, CheckOptions},
    cluster::ClusterOptions,
    hint::{function, words},
    labs::{Lab, Target},
    package,
};
use std::process::ExitCode;

/// Shows what the check sees of broken operator number `number`, or with `answer` what is wrong with it.
pub(crate) async fn run(number: usize, answer: bool, cluster: &ClusterOptions) -> Result<ExitCode, String> {
    let (lab, broken) = find(number)?;
    if answer {
        println!("{}", told(lab, broken)?);
        return Ok(ExitCode::SUCCESS);
    }
    let options = CheckOptions::only(broken.fails);
    let target = Target::Unnamed { name: broken.name.to_owned(), number };
    let checked = check::run(lab, &target, cluster, &options).await?;
    println!("\nWhich line would you look at first? Decide, then see: cargo course break {number} --answer");
    Ok(checked)
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
    let folder = package::root().join("code/broken/src");
    let name = broken.name.replace('-', "_");
    let files =
        std::fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    for file in files.flatten() {
        let source = std::fs::read_to_string(file.path()).unwrap_or_default();
        if let Some(code) = function(&source, &name) {
            return Ok(format!(
                "{}, which breaks {} of lab {lab}.\n\n{}\n\ncode/broken/src/{}:\n\n{code}",
                broken.name,
                broken.fails,
                words(&code),
                file.file_name().to_string_lossy(),
            ));
        }
    }
    Ok(format!(
        "{}, which breaks {} of lab {lab}. Its code is in code/broken/src.",
        broken.name, broken.fails
    ))
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
        }
        for number in [0, all.len() + 1] {
            assert!(find(number).is_err());
        }
    }
}
