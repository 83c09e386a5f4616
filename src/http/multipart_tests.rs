use std::io::Read as _;

use axum::body::Bytes;
use futures::stream;
use proptest::prelude::*;

use super::*;

const METADATA: &str = r#"{"call_id": "c-1", "account_id": "a-1", "recorded_at": "2026-11-22T10:15:00+01:00"}"#;

fn part(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"+32470123456.wav\"\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn whole(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = parts.iter().map(|(name, content)| part(name, content)).collect();
    [parts.concat(), b"--B--\r\n".to_vec()].concat()
}

fn settings() -> HttpSettings {
    HttpSettings {
        max_upload_bytes: 1_000_000,
        max_metadata_bytes: 1_000,
        upload_time_limit: Duration::from_secs(60),
        upload_idle_limit: Duration::from_secs(10),
        ..HttpSettings::default()
    }
}

fn request(body: Body) -> Request<Body> {
    Request::post("/").header(CONTENT_TYPE, "multipart/form-data; boundary=B").body(body).unwrap()
}

/// The bytes in frames of `frame_bytes`.
fn in_frames(bytes: Vec<u8>, frame_bytes: usize) -> Body {
    let frames: Vec<_> =
        bytes.chunks(frame_bytes).map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c))).collect();
    Body::from_stream(stream::iter(frames))
}

async fn refused(body: Vec<u8>) -> &'static str {
    receive(request(in_frames(body, 5_000)), &settings()).await.unwrap_err().code().as_str()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_audio_arrives_as_it_was_sent(
        audio in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'B'), any::<u8>()], 0..4_000),
        frame_bytes in 1_usize..300,
        metadata_first in any::<bool>(),
    ) {
        prop_assume!(!audio.windows(5).any(|w| w == b"\r\n--B"));
        let mut parts = [("metadata", METADATA.as_bytes()), ("audio", audio.as_slice())];
        if !metadata_first { parts.reverse(); }
        let body = in_frames(whole(&parts), frame_bytes);
        let mut received = block_on(receive(request(body), &settings())).unwrap();
        let mut read = Vec::new();
        received.audio.file.read_to_end(&mut read).unwrap();
        prop_assert_eq!(received.metadata.call_id, "c-1");
        prop_assert_eq!(received.audio.byte_len, audio.len() as u64);
        prop_assert!(read == audio);
    }

    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..500), cut in 0_usize..400) {
        let good = whole(&[("metadata", METADATA.as_bytes()), ("audio", b"RIFF")]);
        let mixed = [&good[..cut.min(good.len() - 3)], &bytes].concat();
        prop_assert!(block_on(receive(request(in_frames(mixed, 64)), &settings())).is_err() || cut > 300);
    }
}

#[tokio::test]
async fn each_part_is_wanted_exactly_once() {
    let (metadata, audio) = (("metadata", METADATA.as_bytes()), ("audio", &b"RIFF"[..]));
    assert_eq!(refused(whole(&[metadata])).await, "missing-part");
    assert_eq!(refused(whole(&[audio])).await, "missing-part");
    assert_eq!(refused(whole(&[metadata, audio, metadata])).await, "duplicate-part");
    assert_eq!(refused(whole(&[audio, audio])).await, "duplicate-part");
    assert_eq!(refused(whole(&[metadata, audio, ("note", b"")])).await, "unknown-part");
    assert_eq!(refused(whole(&[("metadata", b"{}"), audio])).await, "invalid-metadata");
}

#[tokio::test]
async fn more_parts_than_allowed_are_refused() {
    let parts = [("metadata", METADATA.as_bytes()), ("audio", &b"RIFF"[..])];
    let few = HttpSettings { max_parts: 1, ..settings() };
    let problem = receive(request(in_frames(whole(&parts), 64)), &few).await.unwrap_err();
    assert_eq!(problem.code().as_str(), "invalid-multipart");
}

#[tokio::test]
async fn what_is_too_large_is_refused_on_the_way() {
    let (large, huge) = (vec![b' '; 1_001], vec![0; 1_000_001]);
    let metadata = ("metadata", METADATA.as_bytes());
    assert_eq!(refused(whole(&[("metadata", &large)])).await, "too-large");
    assert_eq!(refused(whole(&[metadata, ("audio", &huge)])).await, "too-large");
    let exact = receive(request(in_frames(whole(&[metadata, ("audio", &huge[1..])]), 5_000)), &settings()).await;
    assert_eq!(exact.unwrap().audio.byte_len, 1_000_000);
}

#[tokio::test]
async fn a_head_that_promises_too_much_is_refused_before_the_body() {
    let mut request = request(Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()));
    request.headers_mut().insert(CONTENT_LENGTH, "2000000".parse().unwrap());
    assert_eq!(receive(request, &settings()).await.unwrap_err().code(), Code::TooLarge);
    let other = Request::post("/").header(CONTENT_TYPE, "application/json").body(Body::empty()).unwrap();
    assert_eq!(receive(other, &settings()).await.unwrap_err().code(), Code::UnsupportedMediaType);
}

#[tokio::test]
async fn a_body_that_is_not_well_formed_is_refused() {
    let good = whole(&[("metadata", METADATA.as_bytes()), ("audio", b"RIFF")]);
    assert_eq!(refused(good[..good.len() - 6].to_vec()).await, "invalid-multipart");
    assert_eq!(refused(good[..good.len() - 12].to_vec()).await, "invalid-multipart");
    assert_eq!(refused(b"no boundary at all".to_vec()).await, "invalid-multipart");
    assert_eq!(refused(vec![b'x'; 900_000]).await, "invalid-multipart");
    let endless_head = [b"--B\r\nX: ".to_vec(), vec![b'x'; 900_000]].concat();
    assert_eq!(refused(endless_head).await, "invalid-multipart");
    assert_eq!(refused(b"--B\r\n\r\n\r\n--B--\r\n".to_vec()).await, "unknown-part");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_falls_silent_is_not_waited_for() {
    let begin = stream::iter([Ok::<_, std::io::Error>(Bytes::from(part("metadata", METADATA.as_bytes())))]);
    let body = Body::from_stream(futures::StreamExt::chain(begin, stream::pending()));
    let began = Instant::now();
    assert_eq!(receive(request(body), &settings()).await.unwrap_err().code(), Code::UploadTimeout);
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_is_cut_off_at_the_end_of_its_time() {
    let head = stream::iter([Bytes::from(&b"--B\r\nContent-Disposition: form-data; name=\"audio\"\r\n\r\n"[..])]);
    let drops = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        Some((Bytes::from_static(b"x"), ()))
    });
    let body = futures::StreamExt::map(futures::StreamExt::chain(head, drops), Ok::<_, std::io::Error>);
    let began = Instant::now();
    let problem = receive(request(Body::from_stream(body)), &settings()).await.unwrap_err();
    assert_eq!((problem.code(), began.elapsed().as_secs()), (Code::UploadTimeout, 60));
}

/// A server on loopback that takes uploads of at most 1,000,000 bytes.
async fn server() -> std::net::SocketAddr {
    let handler = |request| async { receive(request, &settings()).await.map(|r| r.audio.byte_len.to_string()) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().route("/", axum::routing::post(handler));
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

/// A client that reads nothing before it has sent everything gets its answer all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_reaches_a_client_that_is_still_sending() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let body = whole(&[("metadata", METADATA.as_bytes()), ("audio", &vec![7; 50_000_000])]);
    let declared = format!("content-length: {}", body.len());
    for framing in [declared.as_str(), "transfer-encoding: chunked"] {
        let mut client = tokio::net::TcpStream::connect(server().await).await.unwrap();
        let head =
            format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=B\r\n{framing}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        if framing == declared {
            client.write_all(&body).await.unwrap();
        } else {
            client.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await.unwrap();
            client.write_all(&body).await.unwrap();
            client.write_all(b"\r\n0\r\n\r\n").await.unwrap();
        }
        let mut answer = vec![0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413", "{framing}");
    }
}
