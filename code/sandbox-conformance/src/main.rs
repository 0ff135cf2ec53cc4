//! Runs the cases of the conformance suite and prints a table.

use clap::Parser;
use sandbox_conformance::{
    Case, InProcess, Recorded, Report, Run, Target, cases, control_plane::ControlPlane, json, page, table,
};
use std::{error::Error, path::PathBuf, process::ExitCode};
use tokio::signal::ctrl_c;

/// Looks whether API servers keep the promises of the Kubernetes API
#[derive(Parser)]
#[command(after_help = "Example: sandbox-conformance --context kind-course --only watch")]
struct Cli {
    /// A context of the kubeconfig: its server
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// A control plane without nodes, started for the run: the folder of kube-apiserver and kube-controller-manager
    #[arg(long, value_name = "FOLDER", env = "KUBERNETES_PROGRAMS")]
    control_plane: Option<PathBuf>,

    /// Only the cases of this group, or the case of this name
    #[arg(long, value_name = "GROUP|CASE")]
    only: Vec<String>,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,

    /// Write the book's page from this run of the sandbox and what was recorded of a real server
    #[arg(long, value_name = "FILE", conflicts_with = "only")]
    page: Option<PathBuf>,

    /// Write what the server of --context did into this file: `code/sandbox-conformance/recorded.json`
    #[arg(long, value_name = "FILE", requires = "context", conflicts_with = "only")]
    record: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::from(2)
        }
    }
}

/// Whether no case failed.
async fn run(cli: Cli) -> Result<bool, Box<dyn Error>> {
    let mut cases = cases();
    let chosen = |case: &Case| cli.only.iter().any(|name| *name == case.group || *name == case.name());
    cases.retain(|case| cli.only.is_empty() || chosen(case));
    if cases.is_empty() {
        return Err(format!("no group and no case is called {}", cli.only.join(" or ")).into());
    }
    let sandbox = InProcess::start();
    let mut reports = vec![against(&sandbox.target, &cases).await?];
    let mut recorded = Recorded::of_this_build()?;
    if let Some(context) = &cli.context {
        let report = against(&Target::of_context(context).await?, &cases).await?;
        if let Some(file) = &cli.record {
            recorded = Recorded::of(&report);
            recorded.write(file)?;
        }
        reports.push(report);
    }
    if let Some(file) = &cli.page {
        std::fs::write(file, page(&cases, &reports[0], &recorded))?;
    }
    if let Some(programs) = &cli.control_plane {
        let plane = ControlPlane::start(programs).await?;
        reports.push(against(&plane.target, &cases).await?);
    }
    print!("{}", if cli.json { json(&cases, &reports) } else { table(&cases, &reports) });
    Ok(reports.iter().all(|report| report.failures(&cases).next().is_none()))
}

/// Runs the cases on one server. Ctrl-C ends the cases, but not the removal of what they made.
async fn against(target: &Target, cases: &[Case]) -> Result<Report, Box<dyn Error>> {
    let run = Run::new(target);
    let result = tokio::select! {
        result = run.cases(cases) => result.map_err(Box::from),
        _ = ctrl_c() => Err("stopped by Ctrl-C".into()),
    };
    let left = run.sweep().await;
    for left in &left {
        eprintln!("not removed from {}: {left}", target.name);
    }
    result
}
