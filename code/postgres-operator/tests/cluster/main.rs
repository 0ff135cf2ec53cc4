//! The operator as a whole, with real PostgreSQL: on a sandbox in this process, or with `ON=kind` on the kind cluster of the current
//! context.
//!
//! Each test has threads of its own: it waits for `kubectl exec` on one while it watches on the other.

mod backups;
mod bad_input;
mod changes;
mod crashes;
mod databases;
mod deletion;
mod install;
mod kube_finalizer;
mod operator;
mod secrets;
mod stage;
mod stores;
mod target;
