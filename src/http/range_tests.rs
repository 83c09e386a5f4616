use proptest::prelude::*;

use super::*;

fn part(start: u64, end: u64) -> RangeAsked {
    RangeAsked::Part(ByteRange { start, end })
}

#[test]
fn the_examples_of_rfc_9110_section_14() {
    assert_eq!(parse_range("bytes=0-499", 10_000), part(0, 500));
    assert_eq!(parse_range("bytes=500-999", 10_000), part(500, 1_000));
    assert_eq!(parse_range("bytes=-500", 10_000), part(9_500, 10_000));
    assert_eq!(parse_range("bytes=9500-", 10_000), part(9_500, 10_000));
    assert_eq!(parse_range("bytes=0-0,-1", 10_000), RangeAsked::Whole);
}

#[test]
fn what_is_not_understood_is_as_if_it_were_not_there() {
    for text in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=+1-2",
        "bytes=1-2-3",
        "lines=1-2",
        "bytes=0x1-",
    ] {
        assert_eq!(parse_range(text, 10), RangeAsked::Whole, "{text}");
    }
}

#[test]
fn the_edges() {
    assert_eq!(parse_range("Bytes=3-3", 10), part(3, 4));
    assert_eq!(parse_range("bytes=9-99", 10), part(9, 10));
    assert_eq!(parse_range("bytes=-99", 10), part(0, 10));
    assert_eq!(parse_range("bytes=10-", 10), RangeAsked::Unsatisfiable);
    assert_eq!(parse_range("bytes=-0", 10), RangeAsked::Unsatisfiable);
    assert_eq!(parse_range("bytes=0-", 0), RangeAsked::Unsatisfiable);
    assert_eq!(parse_range("bytes=-5", 0), RangeAsked::Unsatisfiable);
    assert_eq!(parse_range("bytes=1-99999999999999999999999", 10), part(1, 10));
    assert_eq!(parse_range("bytes=99999999999999999999999-", 10), RangeAsked::Unsatisfiable);
}

proptest! {
    #[test]
    fn a_part_lies_within_the_whole(text in "bytes=[0-9]{0,21}-[0-9]{0,21}", total in any::<u64>()) {
        if let RangeAsked::Part(range) = parse_range(&text, total) {
            prop_assert!(range.start < range.end && range.end <= total);
        }
    }

    #[test]
    fn first_and_last_are_taken_at_their_word(total in 1_u64..1_000, a in 0_u64..1_000, b in 0_u64..1_000) {
        let expected: Vec<u64> = (0..total).filter(|i| (a..=b).contains(i)).collect();
        let got = match parse_range(&format!("bytes={a}-{b}"), total) {
            RangeAsked::Part(range) => (range.start..range.end).collect(),
            RangeAsked::Unsatisfiable => vec![],
            RangeAsked::Whole => { prop_assert!(a > b); return Ok(()); }
        };
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,40}", total in any::<u64>()) {
        let _ = parse_range(&text, total);
    }
}

fn representation() -> Representation {
    Representation {
        total_bytes: 10,
        content_type: HeaderValue::from_static("audio/wav"),
        etag: "abc".into(),
        sha256: Some([0; 32]),
    }
}

fn select(method: Method, pairs: &[(HeaderName, &'static str)]) -> Selection {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, HeaderValue::from_static(value));
    }
    representation().select(&method, &headers)
}

#[test]
fn conditions_come_before_ranges() {
    let range = (RANGE, "bytes=2-3");
    let part = Selection::Part(ByteRange { start: 2, end: 4 });
    assert_eq!(select(Method::GET, std::slice::from_ref(&range)), part);
    assert_eq!(select(Method::HEAD, std::slice::from_ref(&range)), Selection::Whole);
    assert_eq!(select(Method::GET, &[range.clone(), (RANGE, "bytes=4-5")]), Selection::Whole);
    assert_eq!(select(Method::GET, &[range.clone(), (IF_RANGE, "\"abc\"")]), part);
    assert_eq!(select(Method::GET, &[range.clone(), (IF_RANGE, "W/\"abc\"")]), Selection::Whole);
    assert_eq!(select(Method::GET, &[range.clone(), (IF_RANGE, "\"old\"")]), Selection::Whole);
    assert_eq!(select(Method::GET, &[(RANGE, "bytes=99-"), (IF_RANGE, "\"old\"")]), Selection::Whole);
    assert_eq!(select(Method::GET, &[range.clone(), (IF_RANGE, "Sun, 22 Nov 2026 20:00:00 GMT")]), Selection::Whole);
    assert_eq!(select(Method::GET, &[range, (IF_NONE_MATCH, "\"x\", W/\"abc\"")]), Selection::NotModified);
    assert_eq!(select(Method::GET, &[(IF_NONE_MATCH, "*")]), Selection::NotModified);
    assert_eq!(select(Method::GET, &[(IF_NONE_MATCH, "\"x\"")]), Selection::Whole);
    assert_eq!(select(Method::GET, &[(RANGE, "bytes=10-")]), Selection::Unsatisfiable);
}

#[tokio::test]
async fn the_heads_of_200_206_304_and_416() {
    let whole = representation().respond(Selection::Whole, Body::from("0123456789"));
    assert_eq!((whole.status().as_u16(), &whole.headers()[CONTENT_LENGTH]), (200, &HeaderValue::from(10)));
    assert_eq!(whole.headers()[ETAG], "\"abc\"");
    assert_eq!(whole.headers()["repr-digest"], "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");

    let part = representation().respond(Selection::Part(ByteRange { start: 2, end: 4 }), Body::from("23"));
    assert_eq!((part.status().as_u16(), &part.headers()[CONTENT_LENGTH]), (206, &HeaderValue::from(2)));
    assert_eq!(part.headers()[CONTENT_RANGE], "bytes 2-3/10");
    assert_eq!(part.headers()["repr-digest"], whole.headers()["repr-digest"]);

    let same = representation().respond(Selection::NotModified, Body::from("never sent"));
    assert_eq!((same.status().as_u16(), &same.headers()[ETAG]), (304, &HeaderValue::from_static("\"abc\"")));
    assert_eq!(axum::body::to_bytes(same.into_body(), 99).await.unwrap().len(), 0);

    let outside = representation().respond(Selection::Unsatisfiable, Body::empty());
    assert_eq!(
        (outside.status().as_u16(), &outside.headers()[CONTENT_RANGE]),
        (416, &HeaderValue::from_static("bytes */10"))
    );
}
