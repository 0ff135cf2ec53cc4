//! A backup store of the check's own, which can be down: it speaks as much of S3 as the removal of earlier backups asks for.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use crate::check::{Arena, Failure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use postgres_operator::error::chain;
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// No folder has anything in it.
const EMPTY: &str =
    "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>";
/// Somebody else answers in the store's place. Of a connection that is refused its client would make several tries by itself,
/// and each of the operator's would take as long as they.
const DOWN: &str = "down for maintenance";
/// Longer than the head of any request.
const HEAD: usize = 16 * 1024;

/// A store that is down until it is told to be up.
pub(super) struct Store {
    address: SocketAddr,
    up: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Store {
    /// Opens one on this machine, where the operator runs.
    pub(super) async fn open() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new("a store on this machine", error.to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (up, asked) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (is_up, heads) = (up.clone(), asked.clone());
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let heads = heads.clone();
                let body = if is_up.load(Ordering::SeqCst) { EMPTY } else { DOWN };
                tokio::spawn(async move {
                    // Who asked has an error of its own to tell.
                    let _ = answer(connection, body, &heads).await;
                });
            }
        });
        Ok(Self { address, up, asked, task })
    }

    /// Lets it answer as a store does.
    pub(super) fn comes_up(&self) {
        self.up.store(true, Ordering::SeqCst);
    }

    /// Requests so far about the backups of a Database.
    pub(super) fn asked(&self, name: &str) -> usize {
        lock(&self.asked).iter().filter(|head| head.contains(name)).count()
    }

    /// The spec of a Database whose backups are here. It has keys of its own, so what the operator finds out with those of another
    /// one says nothing about it.
    pub(super) async fn spec(&self, stage: &Arena, name: &str) -> Result<Value, Failure> {
        let options = [
            ("aws_endpoint", format!("http://{}", self.address)),
            ("aws_allow_http", "true".into()),
            ("aws_region", "none".into()),
            ("aws_access_key_id", "nobody".into()),
            ("aws_secret_access_key", "nothing".into()),
        ];
        let options = options.map(|(option, value)| (option.to_owned(), value));
        let secret = Secret {
            metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
            string_data: Some(options.into()),
            ..Secret::default()
        };
        let made = stage.api::<Secret>().create(&PostParams::default(), &secret).await;
        made.map_err(|error| Failure::new("a Secret with the store's options", chain(&error)))?;
        let backup = json!({"destination": "s3://backups/databases", "secretName": name});
        Ok(json!({"deletionPolicy": "Delete", "backup": backup}))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a request, notes it and answers it, one to a connection.
async fn answer(mut connection: TcpStream, body: &str, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (mut head, mut part) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD {
        match connection.read(&mut part).await? {
            0 => return Ok(()),
            count => head.extend_from_slice(&part[..count]),
        }
    }
    lock(heads).push(String::from_utf8_lossy(&head).into_owned());
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    connection.write_all(answer.as_bytes()).await?;
    connection.shutdown().await
}
