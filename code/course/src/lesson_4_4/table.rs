//! Which phase may follow which: the promise, as the book's page on phases makes it. It is said once more here and not taken from
//! the operator, whose own table may be what is wrong.

use crate::check::Failure;
use postgres_operator::phase::Phase::{
    self, Configuring, Deleting, Deploying, Failed, Pending, Provisioning, Ready, Updating, Verifying,
};

/// The way up, every phase of it.
pub(super) const WAY_UP: [Phase; 6] = [Pending, Provisioning, Configuring, Deploying, Verifying, Ready];

/// The phases that may follow a phase.
fn may_follow(phase: Phase) -> &'static [Phase] {
    match phase {
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

/// Fails if a change of the phase is not in the table.
pub(super) fn allowed(phases: &[Phase]) -> Result<(), Failure> {
    let (Some(first), changes) = (phases.first(), phases.windows(2)) else { return Ok(()) };
    if *first != Pending {
        return Err(Failure::new("a Database is Pending first", told(phases)));
    }
    match changes.into_iter().find(|change| !may_follow(change[0]).contains(&change[1])) {
        Some(change) => {
            let expected = format!("after {} one of {}", change[0], told(may_follow(change[0])));
            Err(Failure::new(expected, told(phases)))
        }
        None => Ok(()),
    }
}

/// Fails unless all the given phases are there, in their order.
pub(super) fn all_of(way: &[Phase], phases: &[Phase]) -> Result<(), Failure> {
    let mut seen = phases.iter();
    match way.iter().find(|step| !seen.any(|phase| phase == *step)) {
        Some(missing) => Err(Failure::new(format!("{}; {missing} among them", told(way)), told(phases))),
        None => Ok(()),
    }
}

/// Phases in a row, for people.
pub(super) fn told(phases: &[Phase]) -> String {
    match phases {
        [] => "no phase".into(),
        phases => phases.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_as_a_table() {
        let up = WAY_UP.to_vec();
        for (phases, is_allowed, is_whole) in [
            (up.clone(), true, true),
            (vec![], true, false),
            (vec![Pending, Provisioning, Deploying, Verifying, Ready], true, false),
            (vec![Pending, Provisioning, Configuring, Deploying, Ready], false, false),
            (vec![Provisioning, Configuring], false, false),
            ([up.clone(), vec![Updating, Verifying, Ready, Deleting]].concat(), true, true),
            ([up.clone(), vec![Updating, Ready]].concat(), false, true),
            ([up, vec![Deleting, Ready]].concat(), false, true),
        ] {
            assert_eq!(allowed(&phases).is_ok(), is_allowed, "{}", told(&phases));
            assert_eq!(all_of(&WAY_UP, &phases).is_ok(), is_whole, "{}", told(&phases));
        }
    }
}
