//! Where and how to run.

use crate::{external::reach::Way, telemetry::LogOptions};
use std::{net::SocketAddr, path::PathBuf};

/// Where and how to run.
#[derive(Clone, Debug, clap::Args)]
pub struct RunOptions {
    /// Watch this namespace only. Without it, the whole cluster
    #[arg(long, env = "WATCH_NAMESPACE", value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Use this context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// Seconds between two passes over an object to which nothing happens
    #[arg(long, env = "REQUEUE_SECONDS", value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub requeue: u64,

    /// How many objects to reconcile at the same time
    #[arg(long, env = "CONCURRENCY", value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,

    /// How to reach PostgreSQL. Default: the Service in a cluster, the API server's port-forward elsewhere
    #[arg(long, env = "REACH", value_enum, value_name = "WAY")]
    pub reach: Option<Way>,

    /// Allow backup destinations `file:///…` below this folder. Without it, none
    #[arg(long, env = "FILE_BACKUPS", value_name = "FOLDER")]
    pub file_backups: Option<PathBuf>,

    /// Work only while holding the Lease `postgres-operator` in this namespace
    #[arg(long, env = "LEADER_ELECTION_NAMESPACE", value_name = "NAMESPACE")]
    pub leader_election: Option<String>,

    /// Serve /healthz, /readyz and /metrics on this address, for example 0.0.0.0:8080
    #[arg(long, env = "LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// How to log
    #[command(flatten)]
    pub log: LogOptions,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args;

    #[test]
    fn what_nobody_chooses_is_what_the_book_says() {
        let command = RunOptions::augment_args(clap::Command::new("operator"));
        for (option, expected) in [("requeue", "300"), ("concurrency", "8")] {
            let argument = command.get_arguments().find(|argument| argument.get_id() == option).unwrap();
            assert_eq!(argument.get_default_values(), [expected], "{option}");
        }
    }
}
