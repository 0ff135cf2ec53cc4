//! A PostgreSQL operator: it turns `Database` objects into running servers, and says how they are.
//!
//! One pass goes observe → decide → apply → report, a module each:
//!
//! - [`observe`] gathers what a decision may look at,
//! - [`plan`] decides, as a pure function,
//! - [`apply`] carries out what is missing,
//! - [`conditions`] and [`report`] tell.
//!
//! [`reconcile`] puts them together, [`watches`] says what leads to a pass, [`run`] makes an operator of it.

pub mod api;
pub mod apply;
pub mod backoff;
pub mod blocked;
pub mod child;
pub mod cleanup;
pub mod conditions;
pub mod context;
pub mod crd;
pub mod decide;
pub mod error;
pub mod events;
pub mod expectations;
pub mod external;
#[cfg(test)]
mod fake;
pub mod finalizer;
pub mod index;
pub mod kept;
pub mod lab;
pub mod lease;
pub mod metrics;
pub mod observe;
pub mod options;
pub mod parameters;
mod passwords;
pub mod patience;
pub mod phase;
pub mod plan;
pub mod pods;
pub mod reason;
pub mod reconcile;
pub mod report;
pub mod resources;
pub mod run;
pub mod serve;
pub mod settled;
pub mod start;
pub mod stores;
pub mod telemetry;
pub mod verify;
pub mod waiting;
pub mod watches;
mod whole;

use std::{future::Future, process::ExitCode, sync::Arc};

/// A whole `main`: sets up logging, runs the operator until a signal stops it, and gives the exit status. What keeps it
/// from starting is one line on standard error.
pub fn run_until_stopped<F, Fut>(options: options::RunOptions, reconcile: F) -> ExitCode
where
    F: Fn(Arc<api::Database>, Arc<context::Context>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<kube::runtime::controller::Action, error::Error>> + Send + 'static,
{
    run_with(options, watches::controller, reconcile)
}

/// The same with watches of one's own.
pub fn run_with<W, F, Fut>(options: options::RunOptions, watch: W, reconcile: F) -> ExitCode
where
    W: FnOnce(
        &kube::Client,
        &watches::Scope,
        watches::More,
    ) -> (kube::runtime::Controller<api::Database>, watches::Caches),
    F: Fn(Arc<api::Database>, Arc<context::Context>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<kube::runtime::controller::Action, error::Error>> + Send + 'static,
{
    telemetry::init(&options.log);
    install_crypto();
    // One thread: a pass waits for answers nearly all of its time, and each further thread would keep memory of its own.
    let started = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let started = started.map_err(|error| error.to_string());
    match started.and_then(|runtime| {
        runtime.block_on(run::run(options, watch, reconcile)).map_err(|error| error::chain(&error))
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Installs the provider of cryptography for the whole process: two libraries speak TLS, and both take this one.
pub fn install_crypto() {
    // It fails only if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
