//! An archive in the test's own process, with a clock that the test moves, and calls without anything to say.

use std::sync::Arc;

use earwitness::archive::Archive;
use earwitness::clock::{Clock as _, ManualClock, SystemClock};
use earwitness::receive::bulk::shell_actor;
use earwitness::receive::metadata::parse;
use earwitness::receive::spool::Spool;
use earwitness::receive::{ReceiveError, Received, Submission, receive};
use earwitness::recording::{ExpiryMonth, RecordingId};
use earwitness::vault::objects::{ObjectKey, RecordingPart};

use super::stack::Place;
use super::world::tone;

/// See the module.
pub struct Opened {
    pub archive: Arc<Archive>,
    pub clock: Arc<ManualClock>,
    pub place: Place,
}

/// Opens an archive at a place, at the machine's time.
pub async fn opened(place: &Place) -> Opened {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    Opened { archive: place.open(clock.clone(), &[]).await, clock, place: place.clone() }
}

impl Opened {
    /// Hands over a call that began now, and sounds like no other whose name is of another length.
    pub async fn upload(&self, call: &str) -> Result<Received, ReceiveError> {
        let at = self.clock.now();
        let text = format!(r#"{{"call_id": "{call}", "account_id": "a", "recorded_at": "{at}"}}"#);
        let mut spool = Spool::create(self.place.folder(), u64::MAX).await.unwrap();
        spool.write(&tone(call.len() as u32)).await.unwrap();
        let (metadata, audio) = (parse(text.as_bytes()).unwrap(), spool.finish().await.unwrap());
        receive(&self.archive, Submission { metadata, audio, actor: shell_actor("test") }).await
    }

    /// The same, and it is taken in.
    pub async fn received(&self, call: &str) -> Received {
        self.upload(call).await.unwrap()
    }

    /// The month in which a recording ends.
    pub async fn month(&self, id: RecordingId) -> ExpiryMonth {
        self.archive.catalog.recording(id).await.unwrap().unwrap().month
    }

    /// What an object of a recording is called.
    pub async fn key(&self, id: RecordingId, part: RecordingPart) -> ObjectKey {
        ObjectKey::Recording { month: self.month(id).await, id, part }
    }
}
