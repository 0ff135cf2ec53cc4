//! Several streams over one WebSocket: the first byte of each message names the stream.

use futures::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use hyper::body::Bytes;
use sandbox::Io;
use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::Mutex,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

type Socket = WebSocketStream<Box<dyn Io>>;

/// Sends to any stream, one message at a time.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Mutex<SplitSink<Socket, Message>>>);

/// Receives from all streams.
pub(crate) struct Receiver(SplitStream<Socket>);

/// Takes a connection over after its handshake.
pub(crate) async fn open(connection: Box<dyn Io>) -> (Sender, Receiver) {
    let (sink, stream) = WebSocketStream::from_raw_socket(connection, Role::Server, None).await.split();
    (Sender(Arc::new(Mutex::new(sink))), Receiver(stream))
}

impl Sender {
    /// Sends bytes to a stream. False if the client is gone.
    pub(crate) async fn send(&self, stream: u8, bytes: &[u8]) -> bool {
        let mut message = Vec::with_capacity(bytes.len() + 1);
        message.push(stream);
        message.extend_from_slice(bytes);
        self.put(Message::Binary(message.into())).await
    }

    /// Sends all that can be read, as far as the client wants it.
    pub(crate) async fn send_all(&self, stream: u8, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(count) = from.read(&mut buffer).await {
            if count == 0 || !self.send(stream, &buffer[..count]).await {
                return;
            }
        }
    }

    pub(crate) async fn close(&self) {
        // kubectl takes a close without a code for a failure.
        let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
        self.put(Message::Close(Some(frame))).await;
    }

    async fn put(&self, message: Message) -> bool {
        // Held across the write: a message must not be cut into by another.
        self.0.lock().await.send(message).await.is_ok()
    }
}

impl Receiver {
    /// The next message: stream and bytes. None at the end.
    pub(crate) async fn next(&mut self) -> Option<(u8, Bytes)> {
        loop {
            let mut bytes = match self.0.next().await?.ok()? {
                Message::Binary(bytes) => bytes,
                Message::Text(text) => text.into(),
                Message::Close(_) => return None,
                // Answers to pings are the library's work.
                _ => continue,
            };
            if !bytes.is_empty() {
                let stream = bytes.split_to(1)[0];
                return Some((stream, bytes));
            }
        }
    }
}
