//! Faults of connections, and of tunnels through the API server.

use crate::{Behind, NEVER, SOON, at};
use fault_proxy::{Action, Aim, Injected, TcpFault, TcpProxy, Verb};
use std::{
    io::{self, ErrorKind},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// A server that says everything back, and a proxy before it.
async fn echo() -> TcpProxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reads, mut writes) = stream.split();
                let _ = tokio::io::copy(&mut reads, &mut writes).await;
            });
        }
    });
    TcpProxy::start(address.to_string()).unwrap()
}

/// Says a word and waits until it has come back.
async fn say(stream: &mut TcpStream, word: &str) -> io::Result<()> {
    stream.write_all(word.as_bytes()).await?;
    let mut back = vec![0; word.len()];
    timeout(SOON, stream.read_exact(&mut back)).await.expect("an echo or an error comes soon")?;
    assert_eq!(back, word.as_bytes());
    Ok(())
}

async fn fired(fault: &Injected, times: usize) -> bool {
    fault.fired_times(times, SOON).await && fault.fired() == times
}

#[tokio::test]
async fn a_refused_port_is_closed_and_opens_again() {
    let proxy = echo().await;
    let mut open = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut open, "hello").await.unwrap();
    let fault = proxy.inject(TcpFault::Refuse);
    assert!(fault.fired_times(2, SOON).await, "the port and the open connection");
    assert!(say(&mut open, "hello").await.is_err());
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    proxy.lift();
    let deadline = Instant::now() + SOON;
    let mut again = loop {
        if let Ok(stream) = TcpStream::connect(proxy.address()).await {
            break stream;
        }
        assert!(Instant::now() < deadline, "the port stays closed");
        tokio::task::yield_now().await;
    };
    say(&mut again, "hello").await.unwrap();
}

#[tokio::test]
async fn a_hanging_connection_stays_open_and_says_all_once_the_fault_is_lifted() {
    let proxy = echo().await;
    let mut before = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut before, "hello").await.unwrap();
    let fault = proxy.inject(TcpFault::Hang);
    let mut after = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(fired(&fault, 2).await);
    for stream in [&mut before, &mut after] {
        stream.write_all(b"late").await.unwrap();
        assert!(timeout(NEVER, stream.read_u8()).await.is_err());
    }
    proxy.lift();
    for stream in [&mut before, &mut after] {
        let mut back = [0; 4];
        timeout(SOON, stream.read_exact(&mut back)).await.unwrap().unwrap();
        assert_eq!(&back, b"late");
    }
}

#[tokio::test]
async fn a_connection_is_reset_after_so_many_bytes() {
    let proxy = echo().await;
    let fault = proxy.inject(TcpFault::Reset { after: 8 });
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut stream, "four").await.unwrap();
    assert_eq!(fault.fired(), 0);
    let cut = say(&mut stream, "and five more").await.unwrap_err();
    assert!(matches!(cut.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof), "{cut}");
    assert!(fired(&fault, 1).await);
    proxy.inject(TcpFault::Reset { after: 0 });
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(say(&mut stream, "a").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_delay_is_added_both_ways() {
    let proxy = echo().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let fault = proxy.inject(TcpFault::Delay(Duration::from_millis(100)));
    assert!(fired(&fault, 1).await);
    let started = Instant::now();
    say(&mut stream, "hello").await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_that_is_away_resets() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = TcpProxy::start(unused.to_string()).unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(say(&mut stream, "hello").await.is_err());
}

/// A tunnel to a pod, by hand: the small server's says everything back.
async fn tunnel(behind: &Behind) -> Result<TcpStream, String> {
    let address = behind.proxy.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let path = "/api/v1/namespaces/shop/pods/db-0/portforward";
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(SOON, stream.read_u8()).await.unwrap().map_err(|error| error.to_string())?);
    }
    let head = String::from_utf8(head).unwrap();
    if head.starts_with("HTTP/1.1 101") { Ok(stream) } else { Err(head) }
}

fn at_tunnels() -> Aim {
    Aim { resource: Some("pods/portforward".into()), ..at(Verb::Get) }
}

#[tokio::test]
async fn a_tunnel_can_be_refused_with_an_error() {
    let behind = Behind::start().await;
    let fault = behind.inject(Action::Answer(500), at_tunnels());
    assert!(tunnel(&behind).await.unwrap_err().starts_with("HTTP/1.1 500"));
    assert_eq!(fault.fired(), 1);
    say(&mut tunnel(&behind).await.unwrap(), "hello").await.unwrap();
}

#[tokio::test]
async fn a_tunnel_hangs_and_goes_on() {
    let behind = Behind::start().await;
    let mut open = tunnel(&behind).await.unwrap();
    say(&mut open, "hello").await.unwrap();
    let fault = behind.inject(Action::Connection(TcpFault::Hang), at_tunnels());
    assert!(fired(&fault, 1).await);
    open.write_all(b"!").await.unwrap();
    assert!(timeout(NEVER, open.read_u8()).await.is_err());
    behind.proxy.lift(&fault);
    assert_eq!(timeout(SOON, open.read_u8()).await.unwrap().unwrap(), b'!');
}

#[tokio::test]
async fn a_tunnel_breaks_off_after_so_many_bytes() {
    let behind = Behind::start().await;
    let fault = behind.inject(Action::Connection(TcpFault::Reset { after: 5 }), at_tunnels());
    let mut open = tunnel(&behind).await.unwrap();
    say(&mut open, "hello").await.unwrap();
    assert!(say(&mut open, "again").await.is_err());
    assert!(fired(&fault, 1).await);
    let deadline = Instant::now() + SOON;
    while behind.proxy.requests()[0].fault.is_none() {
        assert!(Instant::now() < deadline, "the log does not tell");
        tokio::task::yield_now().await;
    }
}
