//! The command line, by the real binary.

mod commands;
mod demo;
mod ingest;
mod purge;
mod serve;
mod store;
mod verify;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::world::{World, five_years_less, tone, unix_now};

/// A command that goes on until it is told to end.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn start(world: &World, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = world.command(arguments);
        let child = command.envs(env.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the binary starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, out }
    }

    /// The next line of standard output.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        assert!(!line.is_empty(), "it ended: {}", self.errors());
        line
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().map(|mut errors| errors.read_to_string(&mut text));
        text
    }

    /// SIGTERM; gives what else it printed, and how it ended.
    fn stop(mut self) -> (String, ExitStatus, Duration) {
        let told = Instant::now();
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("the rest of its output");
        let status = self.child.wait().expect("an end");
        (rest, status, told.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A manifest's row of a call recorded `ago_s` seconds ago, with the sound `seed` in a file of its own.
fn row(world: &World, name: &str, ago_s: i64, seed: u32) -> Value {
    let file = format!("{name}.wav");
    std::fs::write(world.folder.path().join(&file), tone(seed)).expect("a file");
    let at = chrono::DateTime::from_timestamp(unix_now() - ago_s, 0).expect("a time");
    json!({"file": file, "call_id": name, "account_id": "acc-1", "recorded_at": at.to_rfc3339(),
        "person_name": "Jantje Zonderland", "number": "+32470001122"})
}

/// Imports rows; gives the command's whole output.
fn import(world: &World, rows: &[Value]) -> Output {
    let manifest = world.folder.path().join("calls.jsonl");
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    std::fs::write(&manifest, text).expect("a manifest");
    world.run(&["ingest", "--manifest", &manifest.display().to_string(), "--json"])
}

/// An archive with one recording that is due in an hour and one that is not.
fn with_one_due_in_an_hour(world: &World) {
    let rows = [row(world, "old", five_years_less(3_600), 1), row(world, "young", 60, 2)];
    let done = import(world, &rows);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        panic!("{error} in {out:?}\n{err}")
    })
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
