//! Serves an API on localhost: `cargo run -p sandbox --example serve -- 8001 /tmp/kubeconfig`.

use sandbox::{Options, Sandbox, kubeconfig};
use std::{env, error::Error, fs};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    if let Some(file) = arguments.next() {
        fs::write(file, kubeconfig(address).to_string())?;
    }
    println!("http://{address}");
    let options = Options { rbac: arguments.any(|argument| argument == "--rbac"), ..Options::default() };
    Sandbox::new(options).serve(listener).await?;
    Ok(())
}
