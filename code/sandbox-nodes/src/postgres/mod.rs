//! Containers that are real PostgreSQL servers of this machine.
//!
//! A container's command runs in namespaces of its own (user, mount, process, host name, IPC), made by util-linux's `unshare`:
//! it sees the machine's programs, the pod's volumes at their mount paths, itself as process 1 and as user 999, which is
//! `postgres` in the official image. No rights are needed for that, so it works for an ordinary user; root first becomes an
//! ordinary user, for PostgreSQL refuses to run as root. Only the network is the machine's: each pod has an address of its own
//! below 127.0.0.0/8, and names of Services stand in the container's `/etc/hosts`, with the addresses of pods.

mod hosts;
mod machine;
mod mounts;
mod real;
mod stale;

pub(crate) use hosts::{keep_hosts, listen};
pub use machine::MachineError;
pub(crate) use machine::{Machine, uid};
pub(crate) use mounts::mounts;
pub(crate) use real::{Command, Real, exit_code};
