//! Nothing plain leaves the process: all traffic between the real `serve` and its store, its catalog and its key server
//! is listened to, and has no sound in it and nothing that says who called.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::stack::Stack;
use crate::support::wiretap::Wiretap;
use crate::support::world::{Server, World, call, tone};

/// In any form in which they might be written.
const WORDS: &[&str] = &[
    "+32470998877",
    "32470998877",
    "0470998877",
    "470 99 88 77",
    "Zonderland-Testmans",
    "zonderland-testmans",
    "person-no-778899",
    "call-no-4711-secret",
    "agent-annabel",
    "lead-no-900900",
    "listing-no-500500",
    "bezichtiging op vrijdagmiddag",
];
/// So many bytes of a recording, anywhere, are a piece of it.
const PIECE: usize = 16;

fn metadata() -> Value {
    let mut metadata = call("call-no-4711-secret", 60);
    metadata["number"] = json!("+32470998877");
    metadata["person"] = json!({"id": "person-no-778899", "name": "Jantje Zonderland-Testmans"});
    metadata["agent"] = json!("agent-annabel");
    metadata["lead_id"] = json!("lead-no-900900");
    metadata["listing_id"] = json!("listing-no-500500");
    metadata
}

/// What every writing of these bytes in base64 has in it, wherever they begin.
fn in_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let padded = [vec![0; before], bytes.to_vec()].concat();
        // Only the characters that no neighbour has a part in.
        let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for engine in [BASE64_STANDARD, BASE64_URL_SAFE] {
            forms.push(engine.encode(&padded).as_bytes()[first..end].to_vec());
        }
    }
    forms
}

/// The bytes as they are, in hexadecimal digits, and in base64.
fn written(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![bytes.to_vec(), hex::encode(bytes).into_bytes(), hex::encode_upper(bytes).into_bytes()];
    forms.extend(in_base64(bytes));
    forms
}

fn has(heard: &[Vec<u8>], needle: &[u8]) -> bool {
    heard.iter().any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

/// The words that were heard, in whatever writing.
fn words_in(heard: &[Vec<u8>]) -> Vec<&'static str> {
    let is_heard = |word: &&&str| written(word.as_bytes()).iter().any(|form| has(heard, form));
    WORDS.iter().filter(is_heard).copied().collect()
}

/// How many places have a piece of the sound, in whatever writing.
fn pieces_in(heard: &[Vec<u8>], audio: &[u8]) -> usize {
    let mut pieces: HashSet<Vec<u8>> = audio.windows(PIECE).map(<[u8]>::to_vec).collect();
    // Longer pieces, so that enough of each is left in any writing, and so near that a hundred bytes have a whole one.
    for piece in audio.windows(2 * PIECE).step_by(100 - 2 * PIECE) {
        pieces.extend(written(piece).into_iter().map(|form| form[..PIECE].to_vec()));
    }
    heard.iter().flat_map(|bytes| bytes.windows(PIECE)).filter(|window| pieces.contains(*window)).count()
}

/// Whatever somebody does with a recording.
async fn use_it(server: &Server, ingest: &str, legal: &str, audio: &[u8]) -> String {
    let posted = server.post(ingest, &metadata(), audio).await.expect("an answer");
    assert_eq!(posted.status(), StatusCode::CREATED);
    let id = posted.json::<Value>().await.expect("a receipt")["id"].as_str().expect("an id").to_owned();
    let put = server.client.put(format!("{}/v1/recordings/{id}/related/transcript", server.base)).bearer_auth(legal);
    let put = put.header("Content-Type", "text/plain").body("de bezichtiging op vrijdagmiddag").send().await;
    assert_eq!(put.expect("an answer").status(), StatusCode::CREATED);
    for asked in [
        json!({"number": "+32470998877"}),
        json!({"person": "person-no-778899"}),
        json!({"agent": "agent-annabel", "lead": "lead-no-900900", "listing": "listing-no-500500"}),
        json!({"call": "call-no-4711-secret"}),
    ] {
        let search = server.client.post(format!("{}/v1/recordings/search", server.base)).bearer_auth(legal);
        let found = search.json(&asked).send().await.expect("an answer");
        let found: Value = found.json().await.expect("json");
        assert_eq!(found["recordings"].as_array().map(Vec::len), Some(1), "{asked}: {found}");
    }
    for part in ["", "/audio", "/listen", "/waveform", "/custody", "/receipt", "/related/transcript"] {
        let answer = server.get(legal, &format!("/v1/recordings/{id}{part}")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{part}");
        answer.bytes().await.expect("a body");
    }
    server.until(legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_plain_leaves_the_process() {
    let mut world = World::new(Stack::Production).await;
    let [store, catalog, keys] = world.listened_to().await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let mut server = world.serve(None).await;
    let clients = Wiretap::before(server.base.strip_prefix("http://").expect("an address")).await;
    server.base = format!("http://{}", clients.address);
    let audio = tone(7);
    let id = use_it(&server, &ingest, &legal, &audio).await;
    server.stop().await;

    // What listens hears, and what looks finds: the clients' side has all of it.
    let plain = clients.heard();
    assert!(pieces_in(&plain, &audio) > audio.len(), "the clients sent the sound, and heard it");
    for word in ["+32470998877", "Zonderland-Testmans", "call-no-4711-secret", "agent-annabel", "lead-no-900900"] {
        assert!(words_in(&plain).contains(&word), "the clients said {word}");
    }
    for (whose, wire, known) in [
        ("the store", &store, ["/rec/".to_owned(), id.clone()]),
        ("the catalog", &catalog, ["acc-1".to_owned(), id]),
        ("the key server", &keys, ["/encrypt/month-".to_owned(), "/encrypt/installation".to_owned()]),
    ] {
        let heard = wire.heard();
        for known in known {
            assert!(has(&heard, known.as_bytes()), "{whose} was listened to: {known}");
        }
        assert_eq!(words_in(&heard), Vec::<&str>::new(), "{whose} was told in plain");
        assert_eq!(pieces_in(&heard, &audio), 0, "{whose} was sent pieces of the sound");
    }
}

#[test]
fn whatever_writing_is_found() {
    let audio = tone(3);
    for offset in 0..3 {
        let sent = [vec![9; offset], WORDS[0].as_bytes().to_vec(), vec![9; 5]].concat();
        let piece = [vec![9; offset], audio[1_000..1_100].to_vec()].concat();
        for text in [BASE64_STANDARD.encode(&sent), BASE64_URL_SAFE.encode(&sent), hex::encode_upper(&sent)] {
            assert!(words_in(&[text.into_bytes()]).contains(&WORDS[0]));
        }
        for text in [BASE64_STANDARD.encode(&piece), BASE64_URL_SAFE.encode(&piece), hex::encode(&piece)] {
            assert!(pieces_in(&[text.into_bytes()], &audio) > 0);
        }
    }
    assert_eq!((words_in(&[tone(4)]), pieces_in(&[tone(4)], &audio[44..])), (vec![], 0));
}
