//! Memory of an evidence package: a case of five hundred calls of 2 MiB, downloaded whole and then dropped in the middle.
//!
//! `cargo bench --bench packages` (some 2 GiB of disk in the temporary folder). Exits with 1 when the server was ever above
//! 200 MiB resident while it sent, when the package does not verify, or when the dropped one is not noted as broken.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response};
use serde_json::{Value, json};

type Failed = Box<dyn std::error::Error>;

const CALLS: u32 = 500;
const CALL_BYTES: u32 = 2 << 20;
const LIMIT_KIB: u64 = 200 << 10;

/// A PCM WAV of 8 kHz mono, another for each number.
fn wav(number: u32) -> Vec<u8> {
    let data_bytes = CALL_BYTES - 44;
    let mut wav = b"RIFF".to_vec();
    wav.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&8_000_u32.to_le_bytes());
    wav.extend_from_slice(&16_000_u32.to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&data_bytes.to_le_bytes());
    wav.extend((0..data_bytes / 2).flat_map(|n| ((n.wrapping_mul(number + 3) % 4_000) as i16 - 2_000).to_le_bytes()));
    wav
}

/// A line of what the system says of a process, in KiB.
fn memory_kib(pid: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

fn earwitness(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
    command.args(arguments).env("EARWITNESS_DATA", data).env("EARWITNESS_LOG", "warn").stdin(Stdio::null());
    command
}

fn token(data: &Path, role: &str) -> Result<String, Failed> {
    let made = earwitness(data, &["token", "create", "--role", role, "--name", role, "--json"]).output()?;
    let made: Value = serde_json::from_slice(&made.stdout)?;
    Ok(made["token"].as_str().ok_or("no token")?.to_owned())
}

struct Bench {
    client: Client,
    base: String,
    ingest: String,
    legal: String,
}

impl Bench {
    async fn upload(&self, number: u32, at: &str) -> Result<Value, Failed> {
        let metadata = json!({"call_id": format!("bench-{number}"), "account_id": "bench", "recorded_at": at});
        let form = Form::new().text("metadata", metadata.to_string()).part("audio", Part::bytes(wav(number)));
        let post = self.client.post(format!("{}/v1/recordings", self.base)).bearer_auth(&self.ingest);
        Ok(post.multipart(form).send().await?.error_for_status()?.json::<Value>().await?["id"].clone())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Response, Failed> {
        let post = self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.legal).json(body);
        Ok(post.send().await?.error_for_status()?)
    }

    /// The state of the newest package.
    async fn state(&self) -> Result<String, Failed> {
        let get = self.client.get(format!("{}/v1/disclosures?limit=1", self.base)).bearer_auth(&self.legal);
        let page: Value = get.send().await?.error_for_status()?.json().await?;
        Ok(page["disclosures"][0]["state"].as_str().unwrap_or_default().to_owned())
    }
}

async fn run() -> Result<bool, Failed> {
    let folder = tempfile::tempdir()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let data = folder.path().join("data");
    let (ingest, legal) = (token(&data, "ingest")?, token(&data, "legal")?);
    let mut server = earwitness(&data, &["serve", "--listen", &address]).stdout(Stdio::null()).spawn()?;
    let bench = Bench { client: Client::new(), base: format!("http://{address}"), ingest, legal };
    while bench.client.get(format!("{}/readyz", bench.base)).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    #[expect(clippy::disallowed_methods, reason = "the bench posts calls of today")]
    let now = chrono::Utc::now();
    let mut ids = Vec::new();
    for number in 0..CALLS {
        ids.push(bench.upload(number, &now.to_rfc3339()).await?);
    }
    let case = json!({"reference": "bench", "ground": "bench", "owner": "bench", "language": "nl",
        "review_at": (now + chrono::Duration::days(30)).to_rfc3339()});
    let case: Value = bench.post("/v1/cases", &case).await?.json().await?;
    let case = format!("/v1/cases/{}", case["id"].as_str().ok_or("no case")?);
    bench.post(&format!("{case}/holds"), &json!({"recordings": ids})).await?;

    let before = memory_kib(server.id(), "VmRSS:");
    // From here on the greatest amount counts anew.
    std::fs::write(format!("/proc/{}/clear_refs", server.id()), "5")?;
    let body = json!({"purpose": "bench", "recipient": {"name": "bench", "kind": "bank"}});
    let (begun, path) = (Instant::now(), folder.path().join("package.zip"));
    let (mut answer, mut file, mut bytes) =
        (bench.post(&format!("{case}/evidence"), &body).await?, File::create(&path)?, 0);
    let first = begun.elapsed();
    while let Some(piece) = answer.chunk().await? {
        file.write_all(&piece)?;
        bytes += piece.len();
    }
    let (took, most) = (begun.elapsed(), memory_kib(server.id(), "VmHWM:"));
    let verified = earwitness(&data, &["verify"]).arg(&path).status()?.success();

    let mut dropped = bench.post(&format!("{case}/evidence"), &body).await?;
    for _ in 0..100 {
        dropped.chunk().await?;
    }
    drop(dropped);
    let waiting = Instant::now();
    while bench.state().await? == "begun" && waiting.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let state = bench.state().await?;
    server.kill()?;
    server.wait()?;
    println!(
        "{CALLS} calls of {} MiB: a package of {} MiB in {:.0} s, its first byte after {:.1} s; verified: {verified}; dropped: {state}",
        CALL_BYTES >> 20,
        bytes >> 20,
        took.as_secs_f64(),
        first.as_secs_f64()
    );
    println!("resident: before {} MiB, at the most {} MiB (limit {} MiB)", before >> 10, most >> 10, LIMIT_KIB >> 10);
    Ok(verified && state == "broken" && most < LIMIT_KIB)
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
