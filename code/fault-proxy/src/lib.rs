//! An HTTP proxy between an operator and its API server. It injects faults, and writes down every request, so that a check can
//! count what an operator does from the API server's side, whatever the operator says of itself.
//!
//! It knows nothing of the operator: anything that reads a kubeconfig can be put behind it, in any language.
//!
//! # From a shell
//!
//! ```text
//! fault-proxy --fault lose:create:configmaps --fault 503:patch:configmaps:2 --page timeline.html -- ./my-operator
//! ```
//!
//! runs the command with `KUBECONFIG` set to the proxy, then prints what it was told, read and wrote, with the fields that each
//! write changed. The first ConfigMap that it creates exists, but it never hears so; its second patch is answered 503. Where a fault
//! did not fire, it says "not run" and exits with 3.
//!
//! # From a check
//!
//! ```no_run
//! # async fn check(client: kube::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use fault_proxy::{Action, Aim, Fault, Proxy};
//! use std::time::Duration;
//!
//! let proxy = Proxy::start(client, None).await?;
//! let second_status_write = Aim {
//!     writes: true,
//!     resource: Some("databases/status".into()),
//!     skip: 1,
//!     ..Aim::default()
//! };
//! let lost = proxy.inject(Fault { aim: second_status_write, action: Action::LoseResponse });
//! // Start the operator behind `proxy.write_kubeconfig(…)`, and give it something to do.
//! lost.fired_once(Duration::from_secs(30)).await;
//! proxy.lift_all();
//! // What has to hold from here on? And was it put to the test at all?
//! lost.must_have_fired()?;
//! println!("{}", fault_proxy::timeline::text(&proxy.requests(), &proxy.events()));
//! # Ok(())
//! # }
//! ```
//!
//! # What it does to requests
//!
//! - Each fault is aimed by verb, resource, name and count ([`Aim`]); [`Action`] lists what there is. [`TcpProxy`] does to connections
//!   to PostgreSQL what [`Action::Connection`] does to tunnels through the API server.
//! - Before a write the proxy reads the object with its own client, in order to tell what the write changed and whether it changed
//!   something at all. That read is not in the log. An object that somebody else writes in the moment between the two shows both
//!   changes as one.
//! - Answers are asked for without compression, and as JSON where the operator would take protobuf: Kubernetes clients go by what
//!   an answer says that it is.
//! - Everything else passes as it is: watches line by line as they come, upgrades as bytes.
//!
//! # What it remembers
//!
//! The latest 20,000 requests and as many watch events; of a change 60 fields, of a value 120 characters, of a Secret's data nothing
//! but the names; the last answer to each of 32 lists, up to 8 MiB each.

mod answer;
mod change;
mod diff;
mod exchange;
mod fault;
mod flow;
mod gate;
mod injected;
mod lists;
mod log;
mod proxy;
mod request;
mod sight;
mod spec;
mod status;
mod tcp;
pub mod timeline;
mod tunnel;
mod upstream;
mod watch;

pub use change::{Change, ChangeKind};
pub use diff::FieldChange;
pub use fault::{Action, Aim, EventType, Fault, TcpFault};
pub use injected::{Injected, NotFired};
pub use log::WatchEvent;
pub use proxy::{Identity, Proxy, StartError};
pub use request::{Request, Verb};
pub use spec::ParseError;
pub use tcp::TcpProxy;
