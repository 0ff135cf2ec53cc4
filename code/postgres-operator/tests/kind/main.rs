//! The operator on a kind cluster, with real PostgreSQL. Wants a kind context as the current one.
//!
//! Each test has threads of its own: it waits for `kubectl exec` on one while its operator works on the other.

mod backups;
mod bad_input;
mod changes;
mod crashes;
mod databases;
mod deletion;
mod install;
mod kube_finalizer;
mod secrets;
mod stage;
mod stores;
