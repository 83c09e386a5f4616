//! The store keeps a recording until its deadline, whoever has the bucket's credentials, and after the purge nothing of
//! it: in real time, by the real binary, in a bucket with Object Lock, seen with an ordinary client.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::rebuild::post;
use crate::support::stack::Stack;
use crate::support::world::{World, call, five_years_less, tone, unix_now};

/// Time enough for an outsider's attempts on a busy machine.
const DUE_IN_S: i64 = 45;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_deletes_it_before_its_deadline_and_nothing_is_left_afterwards() {
    let world = World::new(Stack::Production).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let server = world.serve(None).await;
    let metadata = call("due", five_years_less(DUE_IN_S));
    let answer = server.post(&ingest, &metadata, &tone(1)).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let receipt: Value = answer.json().await.expect("a receipt");
    let id = receipt["id"].as_str().expect("an id");
    let expires_at = receipt["expires_at"].as_str().expect("a deadline");
    let due_at = chrono::DateTime::parse_from_rfc3339(expires_at).expect("a time").timestamp();

    let outsider = world.outsider().await;
    let objects = world.objects_of(id).await;
    let [audio, sidecar, waveform] = objects.as_slice() else { panic!("{objects:?}") };
    let folder = audio.trim_end_matches("audio");
    assert_eq!(outsider.boto("count", folder).await, "3 0 0");
    for locked in [audio, waveform] {
        assert_eq!(outsider.boto("delete-versions", locked).await, "AccessDenied", "{locked}");
        assert_eq!(outsider.boto("shorten", locked).await, "AccessDenied", "{locked}");
    }
    // What the store lets anybody do is to hide it. What is hidden is found, and comes back.
    for hidden in [audio, waveform, sidecar] {
        assert_eq!(outsider.boto("hide", hidden).await, "marker");
    }
    assert_eq!(outsider.boto("count", folder).await, "3 3 0");
    let mended = world.run_json(&["fsck", "--repair", "--json"]);
    let expected =
        [audio, sidecar, waveform].map(|path| json!({"problem": "hidden", "action": "repaired", "what": path}));
    assert_eq!(mended["findings"], json!(expected), "{mended}");
    assert_eq!(outsider.boto("count", folder).await, "3 0 0");
    let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.status(), StatusCode::OK);
    assert_eq!(heard.bytes().await.expect("audio"), tone(1));

    // The purge meets what is hidden, and an upload that nobody completes.
    assert_eq!(outsider.boto("hide", audio).await, "marker");
    assert_eq!(outsider.boto("upload", waveform).await, "pending");
    assert_eq!(outsider.boto("count", folder).await, "3 1 1");
    assert!(unix_now() < due_at, "all of it before the deadline");
    let certificate = server.until(&legal, &format!("/v1/retention/certificates/{id}"), StatusCode::OK).await;
    assert!(unix_now() >= due_at);
    assert_eq!(outsider.boto("count", folder).await, "0 0 0");
    assert_eq!(server.get(&legal, &format!("/v1/recordings/{id}")).await.status(), StatusCode::GONE);
    let file = world.folder.path().join("certificate.json");
    std::fs::write(&file, certificate.bytes().await.expect("a certificate")).expect("a file");
    server.stop().await;
    let verified = world.run_json(&["verify", &file.display().to_string(), "--json"]);
    assert_eq!((&verified["ok"], &verified["subject"]), (&true.into(), &"certificate".into()), "{verified}");
}

/// Without its sidecar a recording would pass for an upload that never became whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_hidden_comes_back_after_the_loss_of_the_catalog_as_well() {
    let mut world = World::new(Stack::Production).await;
    let ingest = world.token("ingest");
    let server = world.serve(None).await;
    let (id, _) = post(&server, &ingest, &call("call-1", 60), &tone(1)).await;
    // Stopping publishes the ledger.
    server.stop().await;
    let outsider = world.outsider().await;
    for hidden in world.objects_of(&id).await {
        assert_eq!(outsider.boto("hide", &hidden).await, "marker");
    }
    world.catalog = world.empty_catalog().await;
    let rebuilt = world.run_json(&["fsck", "--rebuild", "--rehash", "--json"]);
    assert_eq!((&rebuilt["brought_back"], &rebuilt["rehashed"]), (&1.into(), &1.into()), "{rebuilt}");
    let legal = world.token("legal");
    let server = world.serve(None).await;
    let heard = server.get(&legal, &format!("/v1/recordings/{id}/audio")).await;
    assert_eq!(heard.bytes().await.expect("audio"), tone(1));
    server.stop().await;
}
