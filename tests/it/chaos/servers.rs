//! A PostgreSQL and a SeaweedFS of this test's own, which it may crash while others use those of the run.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use tokio::task::{JoinHandle, spawn_blocking};

/// The process that has both servers, `tests/servers/private`. They end with this value.
struct Keeper {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// See the module.
#[derive(Clone)]
pub struct Servers {
    keeper: Arc<Mutex<Keeper>>,
    /// The address of PostgreSQL, with a database.
    pub postgres: String,
    /// The address of a bucket with Object Lock.
    pub bucket: String,
}

impl Servers {
    /// Starts both, and returns when both answer.
    pub async fn start() -> Self {
        spawn_blocking(|| {
            let mut command = Command::new("tests/servers/private");
            command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut process = command.spawn().expect("the servers' script");
            let answers = BufReader::new(process.stdout.take().expect("its output"));
            let mut keeper = Keeper { orders: process.stdin.take(), process, answers };
            let (postgres, bucket) = (keeper.answer(), keeper.answer());
            Self { keeper: Arc::new(Mutex::new(keeper)), postgres, bucket }
        })
        .await
        .expect("both servers start")
    }

    /// Crashes a server (`postgresql`: immediate shutdown; `seaweedfs`: `kill -9`) and starts it again where it was. The
    /// end of the task is when it answers again.
    pub fn crash(&self, name: &'static str) -> JoinHandle<()> {
        let keeper = self.keeper.clone();
        spawn_blocking(move || {
            let mut keeper = keeper.lock().expect("no panic");
            let orders = keeper.orders.as_mut().expect("open to its end");
            writeln!(orders, "{name}").expect("an order");
            assert_eq!(keeper.answer(), name);
        })
    }
}

impl Keeper {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        assert!(line.ends_with('\n'), "the servers' script ended: run the tests through ./test");
        line.trim_end().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.process.wait();
    }
}
