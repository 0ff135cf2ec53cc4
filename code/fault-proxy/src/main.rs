//! Runs a command behind the proxy: any program that reads a kubeconfig.

use clap::Parser;
use fault_proxy::{Fault, Injected, Proxy, timeline};
use kube::{Client, Config};
use std::{
    error::Error,
    path::PathBuf,
    process::{Child, Command, ExitCode, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Some fault did not fire: whatever the command shows, it does not show what was asked.
const NOT_RUN: u8 = 3;

/// Runs a command behind a proxy before the API server of the current context, and prints what it was told, read and wrote.
///
/// The command gets the proxy's address by KUBECONFIG. Its exit status becomes this one's; 3 means that a fault did not fire.
#[derive(Parser)]
#[command(after_help = "Example: fault-proxy --fault 503:patch:configmaps:2 -- ./my-operator")]
struct Arguments {
    /// A fault, ACTION:VERB[:RESOURCE[:NTH[:TIMES]]]. Can be given more than once.
    ///
    /// ACTION is an HTTP status, one with -after (in place of a committed write's answer), lose (the response of a committed
    /// write), kill (the command after a committed write), hang, cut (a watch), gone (410 in a watch), hold (events), drop-added,
    /// drop-modified, drop-deleted, or older (list). VERB is one of RBAC's, or write, or any.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<String>,
    /// Also writes the timeline as an HTML page.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            let causes = std::iter::successors(error.source(), |&cause| cause.source());
            let causes = causes.map(ToString::to_string);
            let chain: Vec<String> = std::iter::once(error.to_string()).chain(causes).collect();
            eprintln!("fault-proxy: {}", chain.join(": "));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let mut config = Config::infer().await?;
    // A retry would be a request that the log lacks.
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    let proxy = Proxy::start(Client::try_from(config)?, None).await?;

    let child = Arc::<Mutex<Option<Child>>>::default();
    let killed = child.clone();
    let kill: Arc<dyn Fn() + Send + Sync> = Arc::new(move || kill_now(&killed));
    let faults =
        arguments.faults.iter().map(|spec| Fault::parse(spec, &kill)).collect::<Result<Vec<_>, _>>()?;
    let injected: Vec<Injected> = faults.into_iter().map(|fault| proxy.inject(fault)).collect();

    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("kubeconfig");
    proxy.write_kubeconfig(&kubeconfig, &namespace)?;
    let status = run_command(&arguments.command, &kubeconfig, &child).await?;
    tell(&proxy, &arguments)?;

    let not_run: Vec<_> = injected.iter().filter_map(|fault| fault.must_have_fired().err()).collect();
    for fault in &not_run {
        eprintln!("fault-proxy: {fault}");
    }
    // Killed by a signal, it has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(if not_run.is_empty() { code } else { NOT_RUN }))
}

/// Starts the command and waits for its end; an interrupt is the command's to handle, it is sent to both.
async fn run_command(
    command: &[String],
    kubeconfig: &std::path::Path,
    child: &Mutex<Option<Child>>,
) -> Result<ExitStatus, Box<dyn Error>> {
    let (program, arguments) = command.split_first().ok_or("there is no command to run")?;
    let started = Command::new(program).args(arguments).env("KUBECONFIG", kubeconfig).spawn();
    let started = started.map_err(|error| format!("cannot run {program}: {error}"))?;
    *child.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
        let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = child.as_mut().map(Child::try_wait).transpose()?.flatten() {
            return Ok(status);
        }
    }
}

/// Kills the command and waits until it is gone. The processes that it started itself live on.
fn kill_now(child: &Mutex<Option<Child>>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(child) = child.as_mut() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn tell(proxy: &Proxy, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let (requests, events) = (proxy.requests(), proxy.events());
    // The command's own output stays apart.
    eprint!("{}", timeline::text(&requests, &events));
    if let Some(page) = &arguments.page {
        std::fs::write(page, timeline::html(&arguments.command.join(" "), &requests, &events))
            .map_err(|error| format!("cannot write {}: {error}", page.display()))?;
    }
    Ok(())
}
