//! Connections to ports of a pod: two streams for each port, one for data and one for what went wrong.

use super::channels::{self, Sender};
use futures::future::join_all;
use sandbox::{Io, Upgrade};
use std::collections::HashMap;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::OwnedWriteHalf},
};

pub(crate) async fn serve(upgrade: &Upgrade, address: &str, connection: Box<dyn Io>) {
    let (sender, mut receiver) = channels::open(connection).await;
    let ports = upgrade.parameters.iter().filter(|(name, _)| name == "ports");
    let ports: Vec<u16> =
        ports.flat_map(|(_, value)| value.split(',')).filter_map(|it| it.parse().ok()).collect();
    let mut writers = HashMap::new();
    let mut readers = Vec::new();
    for (data, port) in (0_u8..).step_by(2).zip(ports) {
        // Each stream begins with the number of its port, in two bytes.
        for stream in [data, data + 1] {
            sender.send(stream, &port.to_le_bytes()).await;
        }
        match TcpStream::connect((address, port)).await {
            Ok(connected) => {
                let (from, to) = connected.into_split();
                writers.insert(data, to);
                readers.push(from_pod(&sender, data, from));
            }
            Err(error) => {
                let text = format!("cannot connect to port {port} of the pod: {error}");
                sender.send(data + 1, text.as_bytes()).await;
            }
        }
    }
    let to_pod = async {
        while let Some((stream, bytes)) = receiver.next().await {
            let Some(writer) = writers.get_mut(&stream) else { continue };
            if OwnedWriteHalf::write_all(writer, &bytes).await.is_err() {
                writers.remove(&stream);
            }
        }
    };
    let from_pods = join_all(readers);
    tokio::select! {
        () = to_pod => {}
        _ = from_pods => sender.close().await,
    }
}

async fn from_pod(sender: &Sender, stream: u8, from: tokio::net::tcp::OwnedReadHalf) {
    sender.send_all(stream, from).await;
}
