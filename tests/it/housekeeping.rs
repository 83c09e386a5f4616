//! What is swept up behind everything else.

use std::sync::Arc;
use std::time::Duration;

use earwitness::archive::Archive;
use earwitness::archive::journal::About;
use earwitness::clock::{ManualClock, Timestamp};
use earwitness::housekeeping::{HousekeepingReport, pass};
use earwitness::ledger::kind::Kind;
use earwitness::receive::bulk::shell_actor;
use earwitness::receive::metadata::parse;
use earwitness::receive::spool::Spool;
use earwitness::receive::{Received, Submission, receive};

use crate::on_both_stacks;
use crate::support::stack::Place;
use crate::support::world::tone;

on_both_stacks!(in Versioned: a_pass_does_what_is_left_to_do_and_then_rests, the_next_months_have_their_keys_before_they_come);

const NOW: &str = "2026-11-22T12:00:00Z";

struct Opened {
    archive: Arc<Archive>,
    clock: Arc<ManualClock>,
    place: Place,
}

async fn opened(place: &Place) -> Opened {
    let clock = Arc::new(ManualClock::new(Timestamp::parse(NOW).unwrap()));
    Opened { archive: place.open(clock.clone(), &[]).await, clock, place: place.clone() }
}

async fn received(opened: &Opened) -> Received {
    let text = format!(r#"{{"call_id": "c", "account_id": "a", "recorded_at": "{NOW}"}}"#);
    let mut spool = Spool::create(opened.place.folder(), u64::MAX).await.unwrap();
    spool.write(&tone(1)).await.unwrap();
    let (metadata, audio) = (parse(text.as_bytes()).unwrap(), spool.finish().await.unwrap());
    receive(&opened.archive, Submission { metadata, audio, actor: shell_actor("test") }).await.unwrap()
}

async fn a_pass_does_what_is_left_to_do_and_then_rests(place: &Place) {
    let opened = opened(place).await;
    let archive = &opened.archive;
    let id = received(&opened).await.id;
    let at = opened.clock_now();
    let (search, _) = archive.entry(Kind::SEARCH_MADE, About::Activity, &"what was asked for", at).await.unwrap();
    let mut tx = archive.catalog.begin().await.unwrap();
    tx.append_entry(&search).await.unwrap();
    assert!(tx.touch_recording(id, at).await.unwrap());
    tx.commit().await.unwrap();

    let report = pass(archive, true).await;
    let expected = HousekeepingReport {
        sidecars_written: 1,
        months_made: 3,
        unfinished_swept: Some(0),
        orphans: Some(0),
        ..HousekeepingReport::default()
    };
    assert_eq!(report, expected);
    assert!(archive.catalog.stale_sidecars(10).await.unwrap().is_empty());
    assert!(pass(archive, true).await.is_idle());

    // What somebody searched for is forgotten after a year; that they searched is not.
    opened.clock.advance(Duration::from_secs(400 * 86_400));
    archive.catalog.beat(opened.clock_now()).await.unwrap();
    let expected = HousekeepingReport { openings_erased: 1, months_made: 4, ..HousekeepingReport::default() };
    assert_eq!(pass(archive, false).await, expected);
    assert!(archive.catalog.opening(search.id).await.unwrap().is_none());
    assert!(archive.catalog.ledger_entry(search.id).await.unwrap().is_some());
    assert!(pass(archive, false).await.is_idle());
}

async fn the_next_months_have_their_keys_before_they_come(place: &Place) {
    let opened = opened(place).await;
    let archive = &opened.archive;
    assert_eq!(pass(archive, false).await.months_made, 4);
    let ahead = ["month-2031-11", "month-2031-12", "month-2032-01", "month-2032-02"];
    assert_eq!(archive.catalog.live_months().await.unwrap(), ahead);
    for name in ahead {
        assert!(archive.keyring.provider().exists(&name.parse().unwrap()).await.unwrap(), "{name}");
    }
    assert!(pass(archive, false).await.is_idle());
    opened.clock.advance(Duration::from_secs(20 * 86_400));
    archive.catalog.beat(opened.clock_now()).await.unwrap();
    assert_eq!(pass(archive, false).await.months_made, 1);
    assert!(archive.catalog.live_months().await.unwrap().contains(&"month-2032-03".to_owned()));
}

impl Opened {
    fn clock_now(&self) -> Timestamp {
        use earwitness::clock::Clock as _;
        self.clock.now()
    }
}
