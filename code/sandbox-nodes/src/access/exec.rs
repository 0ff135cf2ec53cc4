//! Commands in containers: streams 0 to 2 are the usual ones, 3 tells how the command ended.

use super::channels::{self, Receiver};
use crate::postgres::{Real, exit_code};
use futures::future::join;
use sandbox::{Io, Upgrade};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin},
};

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
/// From version 5 on, says that a stream has ended: the next byte names it.
const CLOSE: u8 = 255;

pub(crate) async fn serve(upgrade: &Upgrade, process: &Real, protocol: &str, connection: Box<dyn Io>) {
    let (sender, mut receiver) = channels::open(connection).await;
    let wants = |name: &str| {
        upgrade.parameters.iter().any(|(it, value)| it == name && matches!(value.as_str(), "true" | "1"))
    };
    let pipe = |wanted: bool| if wanted { Stdio::piped() } else { Stdio::null() };
    let words = upgrade.parameters.iter().filter(|(name, _)| name == "command");
    let words: Vec<_> = words.map(|(_, word)| word.clone()).collect();
    let streams = [pipe(wants("stdin")), pipe(wants("stdout")), pipe(wants("stderr"))];
    let status = match process.exec(&words, streams) {
        Err(why) => failure(&why),
        Ok(mut child) => {
            let (stdout, stderr, stdin) = (child.stdout.take(), child.stderr.take(), child.stdin.take());
            let out = async {
                if let Some(stdout) = stdout {
                    sender.send_all(STDOUT, stdout).await;
                }
            };
            let err = async {
                if let Some(stderr) = stderr {
                    sender.send_all(STDERR, stderr).await;
                }
            };
            let ran = async {
                join(out, err).await;
                how_it_ended(&mut child).await
            };
            tokio::select! {
                status = ran => status,
                // The client is gone: the command ends when it is dropped here.
                () = feed(&mut receiver, stdin, protocol) => return,
            }
        }
    };
    sender.send(ERROR, status.to_string().as_bytes()).await;
    sender.close().await;
    // Until the client has read it all and closes its side.
    while receiver.next().await.is_some() {}
}

/// Gives the command what the client sends. Ends when the client is gone.
async fn feed(receiver: &mut Receiver, mut stdin: Option<ChildStdin>, protocol: &str) {
    while let Some((stream, bytes)) = receiver.next().await {
        match stream {
            0 => {
                if let Some(pipe) = &mut stdin
                    && pipe.write_all(&bytes).await.is_err()
                {
                    // It does not read any more, which is its own business.
                    stdin = None;
                }
            }
            CLOSE if protocol.starts_with("v5") && bytes.first() == Some(&0) => stdin = None,
            _ => {}
        }
    }
}

async fn how_it_ended(child: &mut Child) -> Value {
    match child.wait().await.map(exit_code) {
        Ok(0) => json!({"metadata": {}, "status": "Success"}),
        Ok(code) => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
        Err(error) => failure(&error.to_string()),
    }
}

fn failure(why: &str) -> Value {
    json!({"metadata": {}, "status": "Failure", "reason": "InternalError", "message": why, "code": 500})
}
