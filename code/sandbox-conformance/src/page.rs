//! The results as a page of the book.

use crate::{
    case::Case,
    recorded::Recorded,
    runner::{Report, Verdict},
};
use std::fmt::Write;

/// The page: one table a group, the sandbox beside the recorded server.
pub fn page(cases: &[Case], sandbox: &Report, recorded: &Recorded) -> String {
    let passed = |case: &&Case| sandbox.verdict(case) == Some(&Verdict::Passed);
    let of_sandbox = cases.iter().filter(passed).count();
    let later =
        cases.iter().filter_map(|case| recorded.word(case)).filter(|word| word.starts_with("not before"));
    let mut page = format!(
        "# How far to trust the sandbox\n\n\
         *10 minutes, to look things up. Which promises of the Kubernetes API the sandbox keeps.*\n\n\
         One suite of {count} cases runs against the sandbox and against a real API server. Each case is a promise that\n\
         operators rely on. Where the two differ, the sandbox is wrong.\n\n\
         The sandbox keeps {of_sandbox} of {count}. {server} keeps {real}; {later} are of a later Kubernetes: the sandbox is\n\
         held to those too, from the documentation alone.\n\n\
         Run it yourself: `cargo run -p sandbox-conformance -- --context kind-course`. The page is generated; a test compares\n\
         it with the sandbox.\n",
        count = cases.len(),
        server = recorded.server,
        real = recorded.passed(),
        later = later.count(),
    );
    let mut group = "";
    for case in cases {
        if case.group != group {
            group = case.group;
            let title = group[..1].to_uppercase() + &group[1..];
            let _ = write!(
                page,
                "\n## {title}\n\n| case | sandbox | {} |\n| --- | --- | --- |\n",
                recorded.server
            );
        }
        let word = sandbox.verdict(case).map(Verdict::word).unwrap_or_default();
        let real = recorded.word(case).unwrap_or("not recorded");
        let _ = writeln!(page, "| {} | {word} | {real} |", case.name());
    }
    page
}
