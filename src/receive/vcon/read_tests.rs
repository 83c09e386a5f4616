use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::vcon::base64url;

/// Drafts in memory, of at most so many bytes each.
struct Memory(usize);

#[derive(Debug, Default)]
struct InMemory {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for InMemory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::Error::other("full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drafts for Memory {
    type Draft = InMemory;
    fn begin(&mut self, _: ContentKind) -> io::Result<InMemory> {
        Ok(InMemory { bytes: Vec::new(), limit: self.0 })
    }
}

const OTHER: u64 = 4_096;

fn reading(text: &[u8]) -> Result<Document<InMemory>, ReadError> {
    read(text, OTHER, &mut Memory(1 << 20))
}

/// The path and the code of what is wrong.
fn refused(text: &str) -> (String, &'static str) {
    match reading(text.as_bytes()) {
        Err(ReadError::Field(problem)) => (problem.field, problem.code),
        other => panic!("{other:?}"),
    }
}

fn text_of(body: &Option<Body<InMemory>>) -> &[u8] {
    match body {
        Some(Body::Text(draft)) => &draft.bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_and_contents_go_to_their_places() {
    let audio: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let document = json!({
        "uuid": "u", "parties": [{"name": "é"}], "x": {"y": [1, -2.5, true, null]},
        "dialog": [{"body": base64url::encode(&audio), "type": "recording"}, {"type": "transfer"}],
        "attachments": [{"body": "as it \"stands\"\n"}, {"body": {"a": 1}}, {"body": null}, {}],
        "analysis": null,
    });
    // Written with spaces, and in another order.
    let read = reading(serde_json::to_string_pretty(&document).unwrap().as_bytes()).unwrap();
    assert_eq!(read.members.get("x"), Some(&document["x"]));
    assert!(text_of(&read.dialog[0].body) == audio);
    assert_eq!((read.dialog[0].members.get("type"), read.dialog.len()), (Some(&json!("recording")), 2));
    assert_eq!(text_of(&read.attachments[0].body), b"as it \"stands\"\n");
    assert!(matches!(&read.attachments[1].body, Some(Body::Json(body)) if *body == json!({"a": 1})));
    assert!(read.attachments[2].body.is_none() && read.attachments[3].body.is_none() && read.analysis.is_empty());
}

#[test]
fn escapes_in_a_content_are_what_they_stand_for() {
    let read = reading(br#"{"dialog": [{"body": "\u0051\u0051=\u003d"}]}"#);
    assert!(matches!(read, Err(ReadError::Field(problem)) if problem.code == "format"), "padding");
    let read = reading(br#"{"dialog": [{"body": "\u0051\u0051"}]}"#).unwrap();
    assert_eq!(text_of(&read.dialog[0].body), b"A");
}

#[test]
fn what_is_no_document_is_told_where() {
    let not_json = |text| assert_eq!(refused(text), (String::new(), "not-json"), "{text}");
    for text in
        ["", "{", "[]", "null", "\"x\"", "{}x", "{\"a\":1,}", "{'a':1}", "{\"a\":tru}", "{\"a\":01}", "\u{feff}{}"]
    {
        not_json(text);
    }
    assert_eq!(refused("{\"dialog\": 1}"), ("dialog".into(), "wrong-type"));
    assert_eq!(refused("{\"dialog\": [1]}"), ("dialog[0]".into(), "wrong-type"));
    assert_eq!(refused("{\"payload\": 1}"), ("payload".into(), "wrong-type"));
    assert_eq!(refused("{\"a\": 1, \"a\": 2}"), ("a".into(), "duplicate"));
    assert_eq!(refused("{\"parties\": [{\"name\": 1, \"name\": 2}]}"), ("parties[0].name".into(), "duplicate"));
    assert_eq!(refused("{\"dialog\": [{\"body\": \"####\"}]}"), ("dialog[0].body".into(), "format"));
    assert_eq!(refused("{\"dialog\": [{\"body\": \"QUJ"), ("dialog[0].body".into(), "not-json"));
    assert_eq!(refused(&format!("{{\"a\": {}", "[".repeat(500))).1, "too-deep");
    assert_eq!(
        refused(&format!("{{\"attachments\": [{}{{}}]}}", "{},".repeat(MAX_ENTRIES))),
        ("attachments".into(), "too-many")
    );
    let (line_3, code) = match reading(b"{\n\"a\": 1,\n  oops}") {
        Err(ReadError::Field(problem)) => (problem.message, problem.code),
        other => panic!("{other:?}"),
    };
    assert_eq!((line_3.as_str(), code), ("is not JSON at line 3, column 3", "not-json"));
}

#[test]
fn what_stays_in_memory_is_bounded_and_contents_are_not_counted() {
    let content = "A".repeat(200_000);
    assert!(reading(format!(r#"{{"dialog": [{{"body": "{content}"}}]}}"#).as_bytes()).is_ok());
    let many = |member: String| reading(format!("{{{member}}}").as_bytes());
    let long = "x".repeat(OTHER as usize * 2);
    for member in [
        format!(r#""a": "{long}""#),
        format!(r#""{long}": 1"#),
        format!(r#""a": 1{}"#, "0".repeat(OTHER as usize * 2)),
        format!(r#""a": [{}1]"#, "1,".repeat(OTHER as usize)),
        format!(r#""a": {}1"#, " ".repeat(OTHER as usize * 2)),
        format!(r#""dialog": [{{"x": "{long}"}}]"#),
        format!(r#""attachments": [{{"body": ["{long}"]}}]"#),
    ] {
        let read = many(member);
        // A number that long may be refused before it is all read.
        assert!(matches!(&read, Err(ReadError::TooMuch)) || matches!(&read, Err(ReadError::Field(_))), "{read:?}");
    }
    // What comes behind a content counts as well.
    let behind = format!(r#"{{"dialog": [{{"body": "{content}", "x": "{long}"}}]}}"#);
    assert!(matches!(reading(behind.as_bytes()), Err(ReadError::TooMuch)));
}

#[test]
fn values_are_counted_whatever_they_are() {
    let small = |objects: usize| format!(r#"{{"a": [{}0]}}"#, r#"{"":0},"#.repeat(objects));
    let reading = |text: String| read(text.as_bytes(), 1 << 20, &mut Memory(0));
    // The list, two of each object, and the last.
    assert!(reading(small(9_999)).is_ok());
    for many in [small(10_000), small(100_000), format!(r#"{{"a": [{}0]}}"#, "[],".repeat(20_000))] {
        let Err(ReadError::Field(problem)) = reading(many) else { panic!("it was taken") };
        assert_eq!((problem.field.as_str(), problem.code), ("", "too-many"));
    }
    let spread = r#"{"x":[0,0]},"#.repeat(63);
    assert!(reading(format!(r#"{{"attachments": [{spread}{{}}]}}"#)).is_ok());
    let spread = format!(r#"{{"x":[{}0]}},"#, "0,".repeat(400)).repeat(63);
    assert!(matches!(reading(format!(r#"{{"attachments": [{spread}{{}}]}}"#)), Err(ReadError::Field(_))), "together");
}

#[test]
fn a_draft_that_is_full_and_a_second_recording_end_it() {
    let document = format!(r#"{{"dialog": [{{"body": "{}"}}]}}"#, "A".repeat(4_000));
    assert!(read(document.as_bytes(), OTHER, &mut Memory(3_000)).is_ok());
    assert!(matches!(read(document.as_bytes(), OTHER, &mut Memory(2_999)), Err(ReadError::Draft(_))));
    let two = br#"{"dialog": [{"body": "QQ"}, {"body": "QQ"}]}"#;
    assert!(matches!(reading(two), Err(ReadError::SeveralContents)));
}

#[test]
fn a_source_that_fails_is_not_taken_for_bad_json() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 2 {
                return Err(io::Error::other("broken disk"));
            }
            let text: &[u8] = if self.0 == 1 { b"{\"dialog\": [{\"body\": \"" } else { b"QUJD" };
            buffer[..text.len()].copy_from_slice(text);
            Ok(text.len())
        }
    }
    assert!(matches!(read(Failing(0), OTHER, &mut Memory(99)), Err(ReadError::Source(_))));
}

fn seed() -> String {
    json!({
        "vcon": "0.4.0", "uuid": "019f15a6-a752-826f-b9a2-279e0d16bc46", "parties": [{"tel": "+32470123456"}, {}],
        "dialog": [{"type": "recording", "start": "2026-11-22T09:00:00Z", "body": "QUJDREVG", "encoding": "base64url"}],
        "attachments": [{"purpose": "x", "body": {"a": [1, 2.5, null]}, "encoding": "json"}],
        "payload": "QUJD", "signatures": [{"header": {"x5c": ["AA"]}}],
    })
    .to_string()
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = reading(&bytes);
    }

    #[test]
    fn no_json_like_text_breaks_it(text in r#"[\[\]{}",:\\a-f0-9 .eE+u\n-]{0,200}"#) {
        let _ = reading(text.as_bytes());
        let _ = reading(format!("{{\"dialog\": [{{\"body\": {text}").as_bytes());
    }

    #[test]
    fn no_damage_breaks_it(at in 0_usize..500, byte in any::<u8>(), cut in any::<bool>(), to in 0_usize..500) {
        let mut bytes = seed().into_bytes();
        let at = at % bytes.len();
        if cut {
            let (from, to) = (at.min(to % bytes.len()), at.max(to % bytes.len()));
            bytes.drain(from..to);
        } else {
            bytes[at] = byte;
        }
        if let Ok(document) = reading(&bytes) {
            // Whatever is still read goes on to the next steps, which may refuse it and no more.
            let _ = super::super::map::map(document);
        }
    }
}
