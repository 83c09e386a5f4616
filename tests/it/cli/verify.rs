//! `verify`: offline, without an archive.

use std::io::Write as _;
use std::process::Stdio;

use super::{document, stderr, with_one_due_in_an_hour};
use crate::support::stack::Stack;
use crate::support::world::World;

#[tokio::test]
async fn a_real_certificate_verifies_and_a_changed_one_does_not() {
    let mut world = World::new(Stack::Embedded).await;
    with_one_due_in_an_hour(&world);
    world.ahead_s = 7_200;
    world.run_json(&["purge", "--json"]);
    let (_, bytes) = world.certificate().await;
    let server = world.serve(None).await;
    let saved_key = server.get("", "/v1/ledger/key").await.bytes().await.unwrap();
    let checkpoint = server.get("", "/v1/ledger/checkpoint").await.bytes().await.unwrap();
    server.stop().await;
    // From here on there is no archive.
    std::fs::remove_dir_all(world.data()).unwrap();
    let file = world.folder.path().join("certificate.json");
    std::fs::write(&file, &bytes).unwrap();
    let name = file.display().to_string();
    let verified = world.run_json(&["verify", &name, "--json"]);
    assert_eq!((&verified["ok"], &verified["subject"]), (&true.into(), &"certificate".into()));
    let key = verified["key"]["fingerprint"].as_str().unwrap();
    assert_eq!(world.run_json(&["verify", &name, "--trust", key, "--json"])["key"]["trust"], "pinned");
    let stranger = world.run(&["verify", &name, "--trust", &"0".repeat(64)]);
    assert_eq!(stranger.status.code(), Some(3), "{}", stderr(&stranger));
    assert_eq!(world.run(&["verify", &name, "--trust", "no key"]).status.code(), Some(2));
    for check in verified["checks"].as_array().unwrap() {
        assert_eq!((&check["outcome"], check.get("means")), (&"passed".into(), None), "{check}");
    }
    let said = |args: &[&str]| {
        let run = world.run(&[&["verify"], args].concat());
        (run.status.code(), String::from_utf8_lossy(&run.stdout).into_owned())
    };
    let (code, text) = said(&[&name]);
    assert!(code == Some(0) && text.ends_with("\nconsistent; the key was not compared with one you trust\n"), "{text}");
    let [saved, note] = [("key.json", &saved_key), ("checkpoint", &checkpoint)].map(|(name, bytes)| {
        let path = world.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    });
    for file in [&name, &note] {
        let (code, text) = said(&[file, "--trust", &saved]);
        assert!(code == Some(0) && text.ends_with("\nverified\n"), "{text}");
    }
    for trust in [&[][..], &["--trust", key]] {
        let (code, text) = said(&[&[note.as_str()], trust].concat());
        assert!(code == Some(3) && text.contains("does not carry its key") && text.contains("--trust"), "{text}");
        assert!(!text.contains("FAILED") && !text.contains("changed"), "{text}");
    }
    let open = document(&world.run(&["verify", &note, "--json"]));
    assert_eq!((&open["ok"], &open["checks"][0]["outcome"]), (&false.into(), &"not-made".into()));

    for at in [bytes.len() / 3, bytes.len() / 2, bytes.len() - 20] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        std::fs::write(&file, &flipped).unwrap();
        let refused = world.run(&["verify", &name, "--json"]);
        assert_eq!(refused.status.code(), Some(3), "byte {at}");
        assert_eq!(document(&refused)["ok"], false);
    }
    assert!(!world.data().exists(), "nothing was made on the way");
}

#[tokio::test]
async fn standard_input_is_read_and_what_is_no_document_is_refused() {
    let world = World::new(Stack::Embedded).await;
    let mut child =
        world.command(&["verify", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary");
    child.stdin.take().unwrap().write_all(b"neither\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("NOT verified\n"));
    assert_eq!(world.run(&["verify", "/nowhere"]).status.code(), Some(1));
}
