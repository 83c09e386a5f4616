//! A TCP proxy on loopback that keeps every byte that passes it, both ways.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// What passed in one direction of one connection.
type Heard = Arc<Mutex<Vec<u8>>>;

/// See the module.
pub struct Wiretap {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    _task: AbortOnDropHandle<()>,
}

impl Wiretap {
    /// Listens on a port of its own and passes everything on to `server` (`host:port`).
    pub async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (server, heard) = (server.to_owned(), Arc::new(Mutex::new(Vec::new())));
        let all: Arc<Mutex<Vec<Heard>>> = heard.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass_on(client, server.clone(), all.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, heard, _task: AbortOnDropHandle::new(task) }
    }

    /// Everything that passed so far, one piece for each direction of each connection.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().expect("no panic").iter().map(|one| one.lock().expect("no panic").clone()).collect()
    }
}

async fn pass_on(client: TcpStream, server: String, all: Arc<Mutex<Vec<Heard>>>) {
    let Ok(upstream) = TcpStream::connect(server).await else { return };
    for stream in [&client, &upstream] {
        let _ = stream.set_nodelay(true);
    }
    let (there, back) = (Heard::default(), Heard::default());
    all.lock().expect("no panic").extend([there.clone(), back.clone()]);
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), upstream.into_split());
    tokio::join!(listen(from_client, to_server, there), listen(from_server, to_client, back));
}

async fn listen(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, heard: Heard) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        // Kept before it is passed on: whoever saw an answer finds what led to it.
        heard.lock().expect("no panic").extend_from_slice(&buffer[..len]);
        if to.write_all(&buffer[..len]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
