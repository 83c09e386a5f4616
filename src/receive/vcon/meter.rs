//! A bound on what is read into memory, and a memory of why reading stopped.

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

/// Why the source gave no more.
#[derive(Debug)]
pub(super) enum Stopped {
    /// As much was read as may be.
    TooMuch,
    /// It could not be read.
    Failed(io::Error),
}

/// Counts what is read while it is not suspended. A JSON reader turns errors of its source into its own, so they are
/// kept here as well.
#[derive(Debug)]
pub(super) struct Meter {
    left: Cell<u64>,
    suspended: Cell<bool>,
    stopped: RefCell<Option<Stopped>>,
}

impl Meter {
    /// Lets so many bytes through.
    pub(super) fn new(bytes: u64) -> Self {
        Self { left: Cell::new(bytes), suspended: Cell::new(false), stopped: RefCell::new(None) }
    }

    /// From now on a content is read, which goes through.
    pub(super) fn suspend(&self) {
        self.suspended.set(true);
    }

    /// From now on what is read stays in memory.
    pub(super) fn resume(&self) {
        self.suspended.set(false);
    }

    /// Why the source stopped, if it did.
    pub(super) fn take_stopped(&self) -> Option<Stopped> {
        self.stopped.borrow_mut().take()
    }
}

/// A source under a meter.
pub(super) struct Metered<R> {
    source: R,
    meter: Rc<Meter>,
}

impl<R> Metered<R> {
    pub(super) fn new(source: R, meter: Rc<Meter>) -> Self {
        Self { source, meter }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stop = |why: Stopped| {
            self.meter.stopped.replace(Some(why));
            io::Error::other("the source stopped")
        };
        if !self.meter.suspended.get() && self.meter.left.get() == 0 {
            return Err(stop(Stopped::TooMuch));
        }
        let count = self.source.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => stop(Stopped::Failed(error)),
        })?;
        if !self.meter.suspended.get() {
            self.meter.left.set(self.meter.left.get().saturating_sub(count as u64));
        }
        Ok(count)
    }
}
