//! Named cases that a Kubernetes API server has to pass, the sandbox and a real one alike.
//!
//! Each case is a promise of the Kubernetes API that operators rely on. A case that passes on a real server and fails on the
//! sandbox is a fault of the sandbox.

mod answer;
mod arena;
mod case;
pub mod control_plane;
mod crd;
mod endpoint;
mod expect;
mod groups;
mod in_process;
mod ledger;
mod page;
mod process;
mod recorded;
mod resource;
mod runner;
mod table;
mod target;
mod watch;

pub use case::{Case, Failure, Needs, Outcome, Version};
pub use groups::cases;
pub use in_process::InProcess;
pub use page::page;
pub use recorded::Recorded;
pub use runner::{Report, Run, Verdict};
pub use table::{json, table};
pub use target::{Target, Unusable};
