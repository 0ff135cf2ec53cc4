//! What can go wrong between an operator and its API server, and for which requests.

use crate::request::{Request, Verb};
use std::{fmt, sync::Arc, time::Duration};

/// A fault and the requests that it is for.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which requests.
    pub aim: Aim,
    /// What happens to them.
    pub action: Action,
}

/// Which requests a fault is for. Each field narrows it; the default is every request, once.
#[derive(Clone, Debug)]
pub struct Aim {
    /// Only this verb.
    pub verb: Option<Verb>,
    /// Only writes, whatever their verb.
    pub writes: bool,
    /// Only this resource, written as RBAC does: `databases/status`.
    pub resource: Option<String>,
    /// None of these resources: `events` and `leases`, for whoever counts writes.
    pub except: Vec<String>,
    /// Only the object of this name; for [`Action::HoldEvents`] and [`Action::DropEvent`], only its events.
    pub name: Option<String>,
    /// For [`Action::HoldEvents`] and [`Action::DropEvent`], only events of an object that is at this generation, or at a later one:
    /// what was written before a change of its spec may come at any time.
    pub generation: Option<i64>,
    /// So many pass before the first fault.
    pub skip: usize,
    /// How often it fires from there on; 0 is never, `usize::MAX` is until it is lifted.
    pub times: usize,
}

impl Default for Aim {
    fn default() -> Self {
        Self {
            verb: None,
            writes: false,
            resource: None,
            except: Vec::new(),
            name: None,
            generation: None,
            skip: 0,
            times: 1,
        }
    }
}

impl Aim {
    /// Whether a request is meant, its name aside.
    fn covers(&self, request: &Request) -> bool {
        self.verb.is_none_or(|verb| verb == request.verb)
            && (!self.writes || request.verb.writes())
            && self.resource.as_ref().is_none_or(|resource| *resource == request.resource)
            && !self.except.contains(&request.resource)
    }
}

/// What happens to a request.
#[derive(Clone)]
pub enum Action {
    /// The proxy answers with this HTTP status and the body that an API server sends with it, and passes nothing on.
    Answer(u16),
    /// Counts committed writes only. The write is passed on and commits, then the connection is cut without an answer.
    LoseResponse,
    /// Counts committed writes only. The write is passed on and commits, and is answered with this HTTP status: a 504 of a load
    /// balancer, after which a client that retries finds its own write in the way.
    AnswerAfterCommit(u16),
    /// Counts committed writes only. Calls the hook when the write has committed, and gives no answer.
    ///
    /// The hook is there to kill the operator, and returns when it has: until it returns no other request is passed on, and
    /// after it none of a connection from before. So nothing of the killed process commits after this write, save what the API
    /// server was at work on already.
    AfterCommit(Arc<dyn Fn() + Send + Sync>),
    /// Neither passes on nor answers until the fault is lifted; then the request takes its ordinary course.
    Hang,
    /// Ends a watch stream, as API servers do every few minutes: one that is open, or else the next.
    CutWatch,
    /// Says in a watch stream that its version is too old (410) and ends it: one that is open, or else the next.
    Gone,
    /// From the first event of the aim on, nothing comes out of its watch stream until the fault is lifted; then all that was
    /// held back does, in order. `times` counts streams.
    HoldEvents,
    /// Events of this type are left out of the watch stream, as if they had been lost. `times` counts events, and every
    /// watch of the resource has its own copy of each: to hide a deletion from all of them, aim it with `usize::MAX`.
    DropEvent(EventType),
    /// Answers a list with what the same list was answered the last time before this fault was injected: an API server that
    /// has fallen behind. Fires only if that list was asked for earlier.
    OlderList,
    /// Comes over a tunnel through the API server, a port-forward or an exec: one that is open, or else the next. `times` counts
    /// tunnels. For an error at its opening aim [`Action::Answer`] at `pods/portforward`.
    Connection(TcpFault),
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpFault {
    /// Nobody listens, as when the server is down; open connections are reset. A tunnel is closed as soon as it is open.
    Refuse,
    /// Nothing passes, either way, until the fault is lifted; connections open, and stay open.
    Hang,
    /// The connection is reset once the client has been given so many bytes more; with 0, at once.
    Reset {
        /// So many bytes.
        after: u64,
    },
    /// Each piece arrives so much later, both ways.
    Delay(Duration),
}

impl fmt::Display for TcpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => f.write_str("refuse connections"),
            Self::Hang => f.write_str("hang connections"),
            Self::Reset { after } => write!(f, "reset after {after} bytes"),
            Self::Delay(late) => write!(f, "delay by {} ms", late.as_millis()),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status) => write!(f, "answer {status}"),
            Self::LoseResponse => f.write_str("lose the response"),
            Self::AnswerAfterCommit(status) => write!(f, "answer {status} after the commit"),
            Self::AfterCommit(_) => f.write_str("kill after the commit"),
            Self::Hang => f.write_str("hang"),
            Self::CutWatch => f.write_str("cut the watch"),
            Self::Gone => f.write_str("410 in the watch"),
            Self::HoldEvents => f.write_str("hold events"),
            Self::DropEvent(kind) => write!(f, "drop {kind}"),
            Self::OlderList => f.write_str("older list"),
            Self::Connection(fault) => fault.fmt(f),
        }
    }
}

/// Which point of a request's course an action is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before it is passed on.
    Arrival,
    /// After the API server has committed it.
    Commit,
    /// While a watch is open.
    Watch,
    /// At an event of a watch.
    Event,
    /// While a tunnel is open.
    Tunnel,
}

impl Action {
    pub(crate) fn stage(&self) -> Stage {
        match self {
            Self::Answer(_) | Self::Hang | Self::OlderList => Stage::Arrival,
            Self::LoseResponse | Self::AnswerAfterCommit(_) | Self::AfterCommit(_) => Stage::Commit,
            Self::CutWatch | Self::Gone => Stage::Watch,
            Self::HoldEvents | Self::DropEvent(_) => Stage::Event,
            Self::Connection(_) => Stage::Tunnel,
        }
    }
}

impl Fault {
    /// Whether a request is meant, at this point of its course. At an event, the name is the event's.
    pub(crate) fn aims_at(&self, stage: Stage, request: &Request, name: Option<&str>) -> bool {
        let possible = match (&self.action, stage) {
            (Action::OlderList, _) => request.verb == Verb::List,
            (_, Stage::Watch | Stage::Event) => request.verb == Verb::Watch,
            _ => true,
        };
        possible
            && self.action.stage() == stage
            && self.aim.covers(request)
            && self.aim.name.as_deref().is_none_or(|meant| Some(meant) == name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Aim { verb, writes, resource, name, skip, .. } = &self.aim;
        write!(f, "{} at ", self.action)?;
        match verb {
            Some(verb) => write!(f, "{verb}")?,
            None if *writes => f.write_str("write")?,
            None => f.write_str("request")?,
        }
        resource.iter().try_for_each(|resource| write!(f, " {resource}"))?;
        name.iter().try_for_each(|name| write!(f, " {name}"))?;
        if *skip > 0 { write!(f, " number {}", skip + 1) } else { Ok(()) }
    }
}

/// What an event of a watch says of its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventType {
    /// It exists.
    Added,
    /// It changed.
    Modified,
    /// It is gone.
    Deleted,
    /// Nothing but how far the stream has come.
    Bookmark,
    /// The stream is at its end, and why.
    Error,
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_uppercase())
    }
}
