//! A witness on loopback: `tests/outside/witness.py`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// See the module.
pub struct Witness {
    /// Its verifier key, a space, and its URL: as the setting wants it.
    pub setting: String,
    child: Child,
}

impl Witness {
    /// One that knows the ledger with this verifier key.
    pub fn of(log_vkey: &str) -> Self {
        let python = std::env::var("EARWITNESS_TEST_PYTHON").expect("run the tests through ./test");
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/witness.py");
        let mut command = Command::new(python);
        command.arg(script).args([log_vkey, "witness.example/w1"]).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut child = command.spawn().expect("Python runs");
        let mut setting = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut setting).expect("a line");
        Self { setting: setting.trim().to_owned(), child }
    }

    /// Its verifier key.
    pub fn vkey(&self) -> &str {
        self.setting.split(' ').next().expect("a key")
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
