//! What becomes of an object whose owners are known.

use super::graph::{FOREGROUND, ORPHAN};
use kube::api::PropagationPolicy;

/// What was found out about an owner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Owner {
    /// It is there.
    Solid,
    /// It is not, or another object has its name.
    Absent,
    /// It is being deleted in the foreground, and waits for its dependents.
    Waiting,
    /// It can never be found: a cluster-wide object names an owner that lives in a namespace.
    Unresolvable,
}

/// What to do with an object.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Keep,
    /// Take these owners off its list, by their place in it: others hold it.
    Disown(Vec<usize>),
    Delete(PropagationPolicy),
}

/// Decides on an object that is not on its way out.
pub(crate) fn decide(owners: &[Owner], finalizers: &[String], has_dependents: bool) -> Verdict {
    let gone = |owner: &Owner| matches!(owner, Owner::Absent | Owner::Waiting);
    if !owners.iter().any(gone) {
        return Verdict::Keep;
    }
    if owners.iter().any(|owner| !gone(owner)) {
        let places = owners.iter().enumerate().filter(|(_, owner)| gone(owner));
        return Verdict::Disown(places.map(|(place, _)| place).collect());
    }
    let has = |finalizer: &str| finalizers.iter().any(|it| it == finalizer);
    // An owner that waits is deleted in the foreground, and so is all below it.
    if (owners.contains(&Owner::Waiting) && has_dependents) || has(FOREGROUND) {
        Verdict::Delete(PropagationPolicy::Foreground)
    } else if has(ORPHAN) {
        Verdict::Delete(PropagationPolicy::Orphan)
    } else {
        Verdict::Delete(PropagationPolicy::Background)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_as_a_table() {
        use Owner::{Absent, Solid, Unresolvable, Waiting};
        use PropagationPolicy::{Background, Foreground, Orphan};
        for (owners, finalizers, has_dependents, expected) in [
            (vec![], vec![], false, Verdict::Keep),
            (vec![Solid], vec![], true, Verdict::Keep),
            (vec![Unresolvable], vec![], true, Verdict::Keep),
            (vec![Absent], vec![], true, Verdict::Delete(Background)),
            (vec![Absent], vec![ORPHAN], true, Verdict::Delete(Orphan)),
            (vec![Absent], vec![FOREGROUND], false, Verdict::Delete(Foreground)),
            (vec![Absent, Absent], vec![], false, Verdict::Delete(Background)),
            (vec![Absent, Solid], vec![], false, Verdict::Disown(vec![0])),
            (vec![Solid, Waiting], vec![], false, Verdict::Disown(vec![1])),
            (vec![Absent, Unresolvable], vec![], false, Verdict::Disown(vec![0])),
            (vec![Waiting], vec![], false, Verdict::Delete(Background)),
            (vec![Waiting], vec![], true, Verdict::Delete(Foreground)),
        ] {
            let finalizers: Vec<_> = finalizers.into_iter().map(str::to_owned).collect();
            assert_eq!(decide(&owners, &finalizers, has_dependents), expected, "{owners:?} {finalizers:?}");
        }
    }
}
