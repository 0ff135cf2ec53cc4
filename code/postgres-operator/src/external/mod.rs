//! What is outside of Kubernetes: PostgreSQL and the backup store. Each call has a time limit, stands behind a breaker, and
//! fails in words that a condition can carry.

pub mod backups;
pub mod breaker;
pub mod dump;
pub mod exec;
pub mod login;
pub mod pace;
pub mod postgres;
pub mod reach;
pub mod store;
