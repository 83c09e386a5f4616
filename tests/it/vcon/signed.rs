//! vCons that others have signed.

use std::path::Path;
use std::process::Command;

use earwitness::access::Role;
use serde_json::{Value, json};

use super::taking_in::{send, vcon};
use crate::on_both_stacks;
use crate::support::archive::{Running, call};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    a_signed_vcon_is_taken_as_long_as_its_signature_holds,
    only_those_who_are_named_sign_where_somebody_is,
);

/// What is done to a document.
type Change<'a> = &'a dyn Fn(&mut Value);

/// The document, signed by a program that is not ours; its certificate as PEM.
fn signed(document: &Value, algorithm: &str) -> (Value, Vec<u8>) {
    let python = std::env::var("EARWITNESS_TEST_PYTHON").expect("run the tests through ./test");
    let folder = tempfile::tempdir().unwrap();
    let [file, certificate] = ["recording.vcon", "certificate.pem"].map(|name| folder.path().join(name));
    std::fs::write(&file, document.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/vcon_sign.py");
    let run = Command::new(python).arg(script).arg(&file).arg(algorithm).arg(&certificate).output();
    let run = run.expect("Python runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    (serde_json::from_slice(&run.stdout).unwrap(), std::fs::read(certificate).unwrap())
}

async fn a_signed_vcon_is_taken_as_long_as_its_signature_holds(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let audio = wav(60_000, 1);
    for (algorithm, kind) in
        [("ES256", "application/vcon"), ("RS256", "application/vcon+json"), ("PS256", "application/jose+json")]
    {
        let (good, _) = signed(&vcon(&call(algorithm), &audio), algorithm);
        let taken = send(&archive, &crm, kind, good.to_string()).await;
        assert_eq!(taken.status, 201, "{algorithm}: {:?}", taken.told());
        // A member of the JWS in another order is the same.
        let reversed = format!("{{\"signatures\":{},\"payload\":{}}}", good["signatures"], good["payload"]);
        assert_eq!(send(&archive, &crm, kind, reversed).await.status, 200);
    }
    let (good, _) = signed(&vcon(&call("c-2"), &audio), "ES256");
    let (other, _) = signed(&vcon(&call("c-3"), &audio), "ES256");
    let header = |text: &str| json!(earwitness::vcon::base64url::encode(text));
    let cases: [(&str, Change<'_>); 12] = [
        ("invalid-signature", &|it| it["payload"] = other["payload"].clone()),
        ("invalid-signature", &|it| it["signatures"][0]["signature"] = other["signatures"][0]["signature"].clone()),
        ("invalid-signature", &|it| {
            it["signatures"][0]["header"]["x5c"] = other["signatures"][0]["header"]["x5c"].clone()
        }),
        ("invalid-signature", &|it| {
            it["signatures"][0]["header"]["uuid"] = json!("019f15a6-a752-826f-b9a2-279e0d16bc47")
        }),
        ("invalid-signature", &|it| it["signatures"][0]["header"]["alg"] = json!("none")),
        ("invalid-signature", &|it| it["signatures"] = json!([it["signatures"][0], other["signatures"][0]])),
        ("unsupported-vcon", &|it| it["signatures"][0]["protected"] = header(r#"{"alg":"none"}"#)),
        ("unsupported-vcon", &|it| it["signatures"][0]["protected"] = header(r#"{"alg":"HS256"}"#)),
        ("unsupported-vcon", &|it| {
            it["signatures"][0]["protected"] = header(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#)
        }),
        ("unsupported-vcon", &|it| it["signatures"][0]["header"] = json!({"x5u": "https://a.example/x"})),
        ("invalid-vcon", &|it| it["signatures"] = json!([])),
        ("invalid-vcon", &|it| it["payload"] = json!("####")),
    ];
    let stored = archive.objects(None).await;
    for (at, (code, change)) in cases.into_iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        let answer = send(&archive, &crm, "application/vcon", bad.to_string()).await;
        assert_eq!(answer.told(), (422, code.to_owned()), "change {at}");
    }
    assert_eq!(archive.objects(None).await, stored);
    assert_eq!(send(&archive, &crm, "application/vcon", good.to_string()).await.status, 201);
}

async fn only_those_who_are_named_sign_where_somebody_is(place: &Place) {
    let (known, certificate) = signed(&vcon(&call("c-1"), &wav(8_000, 1)), "ES256");
    let (stranger, _) = signed(&vcon(&call("c-2"), &wav(8_000, 1)), "ES256");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signers.pem");
    std::fs::write(&file, certificate).unwrap();
    let archive = Running::start_with(place, &[("EARWITNESS_VCON_SIGNERS", file.to_str().unwrap())]).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    assert_eq!(send(&archive, &crm, "application/vcon", known.to_string()).await.status, 201);
    let refused = send(&archive, &crm, "application/vcon", stranger.to_string()).await;
    assert_eq!(refused.told(), (422, "invalid-signature".to_owned()));
    // The token says who sends; an unsigned one is taken as before.
    let unsigned = vcon(&call("c-3"), &wav(8_000, 1)).to_string();
    assert_eq!(send(&archive, &crm, "application/vcon", unsigned).await.status, 201);
}
