use super::*;
use crate::external::reach::Connection;
use futures::future::BoxFuture;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::advance,
};

/// What a server says to whoever connects.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// Nobody is there.
    Unreachable,
    /// A connection, and then nothing.
    Nothing,
    /// What no PostgreSQL says.
    Nonsense,
    /// An SQLSTATE, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    Error(&'static str),
    /// Who is logged in.
    User(&'static str),
}

/// A server for one word.
#[derive(Clone)]
struct Server {
    says: Says,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn new(says: Says) -> (Self, Logins) {
        let server = Self { says, connections: Arc::default() };
        (server.clone(), Logins::new(Box::new(server), GOOD_FOR))
    }

    fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }
}

impl Reach for Server {
    fn connect<'a>(&'a self, _: &'a Primary) -> BoxFuture<'a, io::Result<Box<dyn Connection>>> {
        self.connections.fetch_add(1, Relaxed);
        Box::pin(async move {
            if matches!(self.says, Says::Unreachable) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = duplex(4096);
            let says = self.says;
            tokio::spawn(async move {
                let _ = serve(far, says).await;
            });
            Ok(Box::new(near) as Box<dyn Connection>)
        })
    }
}

/// A message, <https://www.postgresql.org/docs/current/protocol-message-formats.html>: a letter, the length, the rest.
fn message(letter: u8, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 4).unwrap().to_be_bytes();
    [&[letter][..], &length, rest].concat()
}

async fn serve(mut client: DuplexStream, says: Says) -> io::Result<()> {
    let length = client.read_u32().await? as usize;
    client.read_exact(&mut vec![0; length - 4]).await?;
    match says {
        Says::Nothing | Says::Unreachable => std::future::pending().await,
        Says::Nonsense => client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
        Says::Error(code) => {
            let fields = format!("SFATAL\0VFATAL\0C{code}\0Mno\0\0");
            client.write_all(&message(b'E', fields.as_bytes())).await
        }
        Says::User(user) => {
            let ready = message(b'Z', b"I");
            client.write_all(&[message(b'R', &[0; 4]), ready.clone()].concat()).await?;
            client.read_u8().await?;
            let length = client.read_u32().await? as usize;
            client.read_exact(&mut vec![0; length - 4]).await?;
            let column = [&b"c\0"[..], &[0; 18]].concat();
            let columns = message(b'T', &[&3_u16.to_be_bytes()[..], &column.repeat(3)].concat());
            let value =
                |text: &str| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
            let values = [value(user), value("app"), value("17.2 (Debian 17.2-1)")].concat();
            let row = message(b'D', &[&3_u16.to_be_bytes()[..], &values].concat());
            client.write_all(&[columns, row, message(b'C', b"SELECT 1\0"), ready].concat()).await?;
            // Until the client says goodbye.
            client.read_u8().await.map(drop)
        }
    }
}

const GOOD_FOR: Duration = Duration::from_mins(5);

fn primary(name: &str) -> Primary {
    let (namespace, service) = ("shop".to_owned(), name.to_owned());
    Primary { namespace, service, pod: format!("{name}-0"), pod_ip: None, port: 5432 }
}

fn application(password: &str) -> Credentials {
    Credentials { user: "app".into(), database: "app".into(), password: SecretString::from(password) }
}

fn accepted() -> Login {
    Login::Accepted { version: "17.2".into() }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_worked_is_asked_for_again_when_pod_password_or_time_have_changed() {
    let (server, logins) = Server::new(Says::User("app"));
    let orders = primary("orders");
    let after: [(&str, &str, Duration, usize); 6] = [
        ("pod-1", "a", Duration::ZERO, 1),
        ("pod-1", "a", Duration::ZERO, 1),
        ("pod-2", "a", Duration::ZERO, 2),
        ("pod-2", "b", Duration::ZERO, 3),
        ("pod-2", "b", Duration::from_secs(299), 3),
        ("pod-2", "b", Duration::from_secs(1), 4),
    ];
    for (pod, password, pause, connections) in after {
        advance(pause).await;
        assert_eq!(logins.attempt(&orders, pod, &application(password)).await, accepted());
        assert_eq!(server.connections(), connections, "{pod} {password} {pause:?}");
    }
    assert_eq!(logins.attempt(&primary("other"), "pod-2", &application("b")).await, accepted());
    assert_eq!(server.connections(), 5, "of another Database nothing is known");
    logins.forget("shop", "orders");
    logins.attempt(&orders, "pod-2", &application("b")).await;
    assert_eq!(server.connections(), 6, "what is forgotten is asked for");
}

/// Three tries, as many as open a breaker, and a fourth.
#[tokio::test(start_paused = true)]
async fn a_no_is_remembered_by_nobody_and_only_silence_opens_the_breaker() {
    let refused = |message: &str| Login::Refused { message: message.into() };
    for (says, login, is_answer) in [
        (Says::Error("28P01"), Login::WrongPassword, true),
        (Says::Error("28000"), refused("no"), true),
        (Says::Error("3D000"), refused("no"), true),
        (Says::User("postgres"), refused("somebody else answered"), true),
        (Says::Error("57P03"), Login::NoAnswer, false),
        (Says::Error("53300"), Login::NoAnswer, false),
        (Says::Nothing, Login::NoAnswer, false),
        (Says::Nonsense, Login::NoAnswer, false),
        (Says::Unreachable, Login::NoAnswer, false),
    ] {
        let (server, logins) = Server::new(says);
        for _ in 0..4 {
            assert_eq!(logins.attempt(&primary("orders"), "pod", &application("a")).await, login, "{says:?}");
        }
        let expected = if is_answer { (4, 0) } else { (3, 1) };
        assert_eq!((server.connections(), logins.open_breakers()), expected, "{says:?}");
    }
}
