//! Named places at which a test can kill the process, to see what a crash leaves behind.
//!
//! Without the `failpoints` feature [`hit`] is empty, so a release carries none of this.

/// Kills this process with SIGKILL when `EARWITNESS_FAILPOINT` is `name` (feature `failpoints` only), and, where
/// `EARWITNESS_TEST_ARMED` names a file, only once that file is there.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    let wanted = std::env::var_os("EARWITNESS_FAILPOINT").is_some_and(|wanted| wanted == name);
    let is_armed = || std::env::var_os("EARWITNESS_TEST_ARMED").is_none_or(|file| std::path::Path::new(&file).exists());
    if wanted && is_armed() {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Does nothing: the `failpoints` feature is off.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn hit(_name: &str) {}
