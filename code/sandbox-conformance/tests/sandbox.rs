//! The suite against the sandbox of this build, and the book's page of it.

use sandbox_conformance::{Case, InProcess, Recorded, Report, Run, cases, page, table};
use std::error::Error;

async fn report() -> Result<Report, Box<dyn Error>> {
    let sandbox = InProcess::start();
    Ok(Run::new(&sandbox.target).cases(&cases()).await?)
}

#[tokio::test]
async fn the_sandbox_keeps_every_promise_and_the_page_says_so() -> Result<(), Box<dyn Error>> {
    let (cases, report) = (cases(), report().await?);
    let told = table(&cases, std::slice::from_ref(&report));
    assert_eq!(report.failures(&cases).count(), 0, "{told}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../book/reference/sandbox-conformance.md");
    assert_eq!(
        std::fs::read_to_string(path)?,
        page(&cases, &report, &Recorded::of_this_build()?),
        "run `cargo run -p sandbox-conformance -- --page book/reference/sandbox-conformance.md`"
    );
    Ok(())
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let mut names: Vec<_> = cases().iter().map(Case::name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 150, "{count} cases");
}
