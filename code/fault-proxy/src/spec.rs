//! Faults in words: `503:patch:configmaps:2`.

use crate::{
    fault::{Action, Aim, EventType, Fault},
    request::Verb,
};
use std::sync::Arc;

/// A fault cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} in fault {spec:?}: {expected}")]
pub struct ParseError {
    /// All of it.
    pub spec: String,
    /// The part that is wrong.
    pub part: String,
    /// What could stand there.
    pub expected: &'static str,
}

const ACTIONS: &str = "an action is an HTTP status from 400 to 599, the same with -after, or lose, kill, hang, cut, gone, hold, \
                       drop-added, drop-modified, drop-deleted or older";
const VERBS: &str =
    "a verb is get, list, watch, create, update, patch, delete, deletecollection, write or any";
const NUMBERS: &str = "count from 1";
const PARTS: &str = "it is ACTION:VERB:RESOURCE:NTH:TIMES, of which the first two are needed";

impl Fault {
    /// Reads `ACTION:VERB[:RESOURCE[:NTH[:TIMES]]]`, for example `503:patch:configmaps:2`: the second of these patches is answered
    /// 503. `*` is any resource, and for TIMES until the fault is lifted. `kill` is what [`Action::AfterCommit`] calls.
    pub fn parse(spec: &str, kill: &Arc<dyn Fn() + Send + Sync>) -> Result<Self, ParseError> {
        let wrong = |part: &str, expected| ParseError { spec: spec.into(), part: part.into(), expected };
        let parts: Vec<&str> = spec.split(':').collect();
        let (&action, &verb) = match parts.as_slice() {
            [action, verb, rest @ ..] if rest.len() <= 3 => (action, verb),
            _ => return Err(wrong(spec, PARTS)),
        };
        let number = |text: &str| match text.parse() {
            Ok(0) | Err(_) => Err(wrong(text, NUMBERS)),
            Ok(number) => Ok(number),
        };
        let times = match parts.get(4) {
            Some(&"*") => usize::MAX,
            Some(text) => number(text)?,
            None => 1,
        };
        let aim = Aim {
            verb: match verb {
                "write" | "any" => None,
                verb => Some(read_verb(verb).ok_or_else(|| wrong(verb, VERBS))?),
            },
            writes: verb == "write",
            resource: parts.get(2).filter(|name| **name != "*").map(|name| (*name).to_owned()),
            skip: parts.get(3).map_or(Ok(1), |text| number(text))? - 1,
            times,
            ..Aim::default()
        };
        let action = read_action(action, kill).ok_or_else(|| wrong(action, ACTIONS))?;
        Ok(Self { aim, action })
    }
}

fn read_verb(word: &str) -> Option<Verb> {
    use Verb::{Create, Delete, DeleteCollection, Get, List, Patch, Update, Watch};
    let verbs = [Get, List, Watch, Create, Update, Patch, Delete, DeleteCollection];
    verbs.into_iter().find(|verb| verb.to_string() == word)
}

fn read_action(word: &str, kill: &Arc<dyn Fn() + Send + Sync>) -> Option<Action> {
    Some(match word {
        "lose" => Action::LoseResponse,
        "kill" => Action::AfterCommit(kill.clone()),
        "hang" => Action::Hang,
        "cut" => Action::CutWatch,
        "gone" => Action::Gone,
        "hold" => Action::HoldEvents,
        "drop-added" => Action::DropEvent(EventType::Added),
        "drop-modified" => Action::DropEvent(EventType::Modified),
        "drop-deleted" => Action::DropEvent(EventType::Deleted),
        "older" => Action::OlderList,
        status => {
            let (number, after) =
                status.strip_suffix("-after").map_or((status, false), |number| (number, true));
            let number = number.parse().ok().filter(|number| (400..600).contains(number))?;
            if after { Action::AnswerAfterCommit(number) } else { Action::Answer(number) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spec: &str) -> Result<Fault, ParseError> {
        let kill: Arc<dyn Fn() + Send + Sync> = Arc::new(|| {});
        Fault::parse(spec, &kill)
    }

    #[test]
    fn faults_are_read() {
        for (spec, expected, times) in [
            ("503:patch:configmaps:2", "answer 503 at patch configmaps number 2", 1),
            ("409:update:databases/status", "answer 409 at update databases/status", 1),
            ("504-after:create", "answer 504 after the commit at create", 1),
            ("lose:write", "lose the response at write", 1),
            ("kill:write:*:7", "kill after the commit at write number 7", 1),
            ("hang:any:secrets:1:*", "hang at request secrets", usize::MAX),
            ("drop-deleted:watch:pods:1:3", "drop DELETED at watch pods", 3),
            ("older:list:databases", "older list at list databases", 1),
        ] {
            let fault = read(spec).unwrap();
            assert_eq!((fault.to_string().as_str(), fault.aim.times), (expected, times), "{spec}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (spec, part, expected) in [
            ("503", "503", PARTS),
            ("", "", PARTS),
            ("503:patch:a:1:1:1", "503:patch:a:1:1:1", PARTS),
            ("200:patch", "200", ACTIONS),
            ("explode:patch", "explode", ACTIONS),
            ("503:push", "push", VERBS),
            ("503:patch:a:0", "0", NUMBERS),
            ("503:patch:a:x", "x", NUMBERS),
            ("503:patch:a:1:0", "0", NUMBERS),
        ] {
            let error = read(spec).unwrap_err();
            assert_eq!((error.part.as_str(), error.expected), (part, expected), "{spec}");
        }
    }
}
