//! The phases: which there are, and which may follow which. What makes a Database be in one is [`crate::decide`]'s.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a Database stands. Derived at each pass from what is observed; the status tells it and nobody reads it back.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Seen, and nothing exists that a deletion would have to clean up.
    Pending,
    /// Passwords and the pods' identity are being made.
    Provisioning,
    /// The Services are being made, by which clients and servers find each other.
    Configuring,
    /// The servers are being made, or come back after a loss.
    Deploying,
    /// The servers are up, and the application's own login is being tried.
    Verifying,
    /// The application can work.
    Ready,
    /// Running servers are being brought to a changed spec.
    Updating,
    /// Something stands in the way that does not go by waiting.
    Failed,
    /// The Database is being deleted, and what garbage collection does not see to is cleaned up.
    Deleting,
}

use Phase::{Configuring, Deleting, Deploying, Failed, Pending, Provisioning, Ready, Updating, Verifying};

impl Phase {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 9] =
        [Pending, Provisioning, Configuring, Deploying, Verifying, Ready, Updating, Failed, Deleting];

    /// The phases that may be reported after this one.
    // ANCHOR: transitions
    pub fn next(self) -> &'static [Self] {
        match self {
            Pending => &[Provisioning, Failed, Deleting],
            Provisioning => &[Configuring, Deploying, Failed, Deleting],
            Configuring => &[Deploying, Provisioning, Failed, Deleting],
            Deploying => &[Verifying, Updating, Provisioning, Configuring, Failed, Deleting],
            Verifying => &[Ready, Updating, Deploying, Provisioning, Configuring, Failed, Deleting],
            Ready => &[Updating, Deploying, Verifying, Provisioning, Configuring, Failed, Deleting],
            Updating => &[Deploying, Verifying, Provisioning, Configuring, Failed, Deleting],
            Failed => &[Provisioning, Configuring, Deploying, Verifying, Ready, Updating, Deleting],
            Deleting => &[],
        }
    }
    // ANCHOR_END: transitions
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The way of an undisturbed life as a Mermaid state diagram. Arrows to Failed and Deleting start everywhere, and those that lead
/// back after a loss cross all others; [`table`] has them all.
pub fn mermaid() -> String {
    let onward = |from: Phase, to: Phase| {
        let place = |phase| Phase::ALL.iter().position(|other| *other == phase);
        let next = place(from).map(|place| place + 1) == place(to);
        !matches!(to, Failed | Deleting) && next || (from, to) == (Updating, Verifying)
    };
    let mut lines = vec!["stateDiagram-v2".to_owned(), "    [*] --> Pending".to_owned()];
    for from in Phase::ALL {
        let drawn = from.next().iter().filter(|to| onward(from, **to));
        lines.extend(drawn.map(|to| format!("    {from} --> {to}")));
    }
    lines.join("\n") + "\n"
}

/// The transitions as text, a phase a line.
pub fn table() -> String {
    let line = |from: Phase| {
        let next: Vec<String> = from.next().iter().map(ToString::to_string).collect();
        let next = if next.is_empty() { "the end".to_owned() } else { next.join(", ") };
        format!("{:<12} → {next}\n", from.to_string())
    };
    Phase::ALL.map(line).concat()
}

#[cfg(test)]
#[path = "phase_tests.rs"]
mod tests;
