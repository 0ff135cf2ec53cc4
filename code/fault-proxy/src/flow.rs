//! Bytes between two sides of a connection, and the faults that may come over them.

use crate::{
    fault::{Action, TcpFault},
    injected::{Armed, Faults},
    request::Request,
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep_until},
};

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Both sides had said all, or one broke off.
    Closed,
    /// A fault ended it.
    Cut,
}

/// Bytes in one direction. Each step can be broken off and taken again without a byte lost.
struct Flow {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// When what is in the buffer came.
    came: Instant,
    unflushed: bool,
    closed: bool,
}

impl Flow {
    fn new() -> Self {
        Self {
            buffer: vec![0; 16 << 10],
            start: 0,
            end: 0,
            came: Instant::now(),
            unflushed: false,
            closed: false,
        }
    }

    /// One piece further, at most `most` bytes; the number that the other side was given.
    async fn step<R, W>(&mut self, from: &mut R, to: &mut W, late: Duration, most: usize) -> io::Result<usize>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if self.closed {
            return std::future::pending().await;
        }
        if self.start < self.end {
            sleep_until(self.came + late).await;
            let end = self.end.min(self.start.saturating_add(most));
            let given = to.write(&self.buffer[self.start..end]).await?;
            self.start += given;
            self.unflushed = true;
            return Ok(given);
        }
        if self.unflushed {
            to.flush().await?;
            self.unflushed = false;
        }
        (self.start, self.end) = (0, from.read(&mut self.buffer).await?);
        self.came = Instant::now();
        if self.end == 0 {
            to.shutdown().await?;
            self.closed = true;
        }
        Ok(0)
    }
}

/// Carries bytes between a client and a server until both have ended, or a fault ends it. `request` is the one that opened the
/// tunnel; a connection of its own has none, and every fault is meant for it.
pub(crate) async fn carry<C, S>(
    client: &mut C,
    server: &mut S,
    faults: &Faults,
    request: Option<&Request>,
) -> End
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut client_reads, mut client_writes) = tokio::io::split(client);
    let (mut server_reads, mut server_writes) = tokio::io::split(server);
    let (mut up, mut down) = (Flow::new(), Flow::new());
    let mut changes = faults.changes();
    let mut counted = Vec::new();
    let mut current: Option<Struck> = None;
    while !(up.closed && down.closed) {
        changes.mark_unchanged();
        if let Some(hit) = faults.on_connection(request, &mut counted) {
            current = Some(Struck::by(hit));
        }
        current = current.filter(|struck| !struck.armed.is_lifted());
        let (late, most) = match current.as_ref().map(Struck::effect) {
            None => (Duration::ZERO, usize::MAX),
            Some(Effect::Late(late)) => (late, usize::MAX),
            Some(Effect::Most(most)) => (Duration::ZERO, most),
            Some(Effect::Cut) => {
                current.iter_mut().for_each(Struck::tell);
                return End::Cut;
            }
            Some(Effect::Still) => {
                // The faults outlive their connections, so there is always a change to wait for.
                let _ = changes.changed().await;
                continue;
            }
        };
        let stepped = tokio::select! {
            stepped = up.step(&mut client_reads, &mut server_writes, late, usize::MAX) => stepped.map(|_| 0),
            stepped = down.step(&mut server_reads, &mut client_writes, late, most) => stepped,
            _ = changes.changed() => Ok(0),
        };
        match (stepped, &mut current) {
            (Ok(given), Some(struck)) => struck.given += given as u64,
            (Ok(_), None) => {}
            (Err(_), _) => return End::Closed,
        }
    }
    End::Closed
}

/// A fault that has come over a connection.
struct Struck {
    armed: Arc<Armed>,
    /// Bytes that the client has been given since.
    given: u64,
    told: bool,
}

/// What a fault does to a connection at the moment.
enum Effect {
    Cut,
    Still,
    Late(Duration),
    /// Passes this much yet.
    Most(usize),
}

impl Struck {
    fn by(armed: Arc<Armed>) -> Self {
        let mut struck = Self { armed, given: 0, told: false };
        // One that comes into effect later says so then.
        if !matches!(struck.effect(), Effect::Most(_)) {
            struck.tell();
        }
        struck
    }

    fn tell(&mut self) {
        if !std::mem::replace(&mut self.told, true) {
            self.armed.has_fired();
        }
    }

    fn effect(&self) -> Effect {
        match self.armed.fault.action {
            Action::Connection(TcpFault::Hang) => Effect::Still,
            Action::Connection(TcpFault::Delay(late)) => Effect::Late(late),
            Action::Connection(TcpFault::Reset { after }) if self.given < after => {
                Effect::Most(usize::try_from(after - self.given).unwrap_or(usize::MAX))
            }
            _ => Effect::Cut,
        }
    }
}
