//! Memory under load: sixteen uploads of 512 MiB at once, and how much memory the server and its decoders hold.
//!
//! `cargo bench --bench uploads` (release build, some 9 GiB of disk in the temporary folder and in the data folder).
//! Exits with 1 when the whole of it was ever above 200 MiB resident.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream;
use reqwest::Client;
use reqwest::multipart::{Form, Part};

const UPLOADS: usize = 16;
const UPLOAD_BYTES: usize = 512 << 20;
const CHUNK_BYTES: usize = 64 << 10;
const LIMIT_KIB: u64 = 200 << 10;

/// A PCM WAV of 16 kHz stereo whose length is that of the upload.
fn wav_header(data_bytes: u32) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    header.extend_from_slice(&16_000_u32.to_le_bytes());
    header.extend_from_slice(&64_000_u32.to_le_bytes());
    header.extend_from_slice(b"\x04\0\x10\0data");
    header.extend_from_slice(&data_bytes.to_le_bytes());
    header
}

fn body(number: usize) -> reqwest::Body {
    let data_bytes = UPLOAD_BYTES - 44;
    let chunk: Bytes = (0..CHUNK_BYTES / 2)
        .flat_map(|n| (((n * (number + 3)) % 4_000) as i16 - 2_000).to_le_bytes())
        .collect::<Vec<u8>>()
        .into();
    let mut left = data_bytes;
    let rest = std::iter::from_fn(move || {
        let take = left.min(CHUNK_BYTES);
        left -= take;
        (take > 0).then(|| chunk.slice(..take))
    });
    let head = std::iter::once(Bytes::from(wav_header(data_bytes as u32)));
    reqwest::Body::wrap_stream(stream::iter(head.chain(rest).map(Ok::<_, std::io::Error>)))
}

async fn upload(client: Client, base: String, token: String, number: usize, at: String) -> Result<u16, reqwest::Error> {
    let metadata = serde_json::json!({"call_id": format!("bench-{number}"), "account_id": "bench", "recorded_at": at});
    let form = Form::new()
        .text("metadata", metadata.to_string())
        .part("audio", Part::stream_with_length(body(number), UPLOAD_BYTES as u64).file_name("audio.wav"));
    let answer = client.post(format!("{base}/v1/recordings")).bearer_auth(token).multipart(form).send().await?;
    Ok(answer.status().as_u16())
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

fn children(pid: u32) -> Vec<u32> {
    let mut all = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    all
}

/// The most that the server, its largest child, and all of them together ever held.
fn watch(pid: u32, stop: &AtomicBool) -> (u64, u64, u64) {
    let (mut server, mut child, mut together) = (0, 0, 0);
    while !stop.load(Ordering::Relaxed) {
        let own = resident_kib(pid);
        let theirs: Vec<u64> = children(pid).into_iter().map(resident_kib).collect();
        server = server.max(own);
        child = child.max(theirs.iter().copied().max().unwrap_or(0));
        together = together.max(own + theirs.iter().sum::<u64>());
        std::thread::sleep(Duration::from_millis(50));
    }
    (server, child, together)
}

fn start(data: &Path, base: &str) -> std::io::Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_earwitness"))
        .args(["serve", "--listen", base])
        .env("EARWITNESS_DATA", data)
        .env("EARWITNESS_LOG", "warn")
        .env("EARWITNESS_UPLOAD_TIMEOUT", "1h")
        .env("EARWITNESS_DECODER_TIMEOUT", "30m")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
}

fn token(data: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let made = Command::new(env!("CARGO_BIN_EXE_earwitness"))
        .args(["token", "create", "--role", "ingest", "--name", "bench", "--json"])
        .env("EARWITNESS_DATA", data)
        .output()?;
    let made: serde_json::Value = serde_json::from_slice(&made.stdout)?;
    Ok(made["token"].as_str().ok_or("no token")?.to_owned())
}

async fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let (data, base) = (folder.path().join("data"), format!("http://{address}"));
    let token = token(&data)?;
    let mut server = start(&data, &address)?;
    let (client, pid) = (Client::new(), server.id());
    while client.get(format!("{base}/readyz")).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let idle = resident_kib(pid);
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = {
        let stop = stop.clone();
        std::thread::spawn(move || watch(pid, &stop))
    };
    #[expect(clippy::disallowed_methods, reason = "the bench posts calls of today")]
    let at = chrono::Utc::now().to_rfc3339();
    let begun = Instant::now();
    let uploads =
        (0..UPLOADS).map(|n| tokio::spawn(upload(client.clone(), base.clone(), token.clone(), n, at.clone())));
    let mut statuses: HashMap<u16, usize> = HashMap::new();
    for done in futures::future::join_all(uploads).await {
        *statuses.entry(done??).or_default() += 1;
    }
    stop.store(true, Ordering::Relaxed);
    let (own, child, together) = watcher.join().map_err(|_| "the watcher failed")?;
    server.kill()?;
    server.wait()?;
    println!(
        "{UPLOADS} uploads of {} MiB in {:.0} s; answers {statuses:?}",
        UPLOAD_BYTES >> 20,
        begun.elapsed().as_secs_f64()
    );
    println!(
        "resident: idle {} MiB, server {} MiB, largest decoder {} MiB, all together {} MiB (limit {} MiB)",
        idle >> 10,
        own >> 10,
        child >> 10,
        together >> 10,
        LIMIT_KIB >> 10
    );
    Ok(together < LIMIT_KIB && statuses.keys().all(|status| *status == 201))
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().map_err(Into::into);
    match runtime.and_then(|runtime| runtime.block_on(run())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("the bench failed: {error}");
            ExitCode::FAILURE
        }
    }
}
