//! What we seal, Google's own Tink opens, and the other way round.

use std::path::Path;
use std::process::Command;

use earwitness::vault::Key32;
use earwitness::vault::stream::{
    Decryptor, Encryptor, FIRST_SEGMENT_PLAIN_BYTES, HEADER_BYTES, Layout, SEGMENT_PLAIN_BYTES,
};

const AAD: &str = "0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21";
const KEY: [u8; 32] = [0x5a; 32];

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

/// Around every border that the format has.
fn lengths() -> Vec<usize> {
    let (first, full) = (FIRST_SEGMENT_PLAIN_BYTES, SEGMENT_PLAIN_BYTES);
    let borders = [first, first + full, first + 2 * full];
    let around = borders.into_iter().flat_map(|b| [b - 1, b, b + 1]);
    [0, 1, 15, 16, 17, 1_000_000].into_iter().chain(around).collect()
}

fn seal(plain: &[u8]) -> Vec<u8> {
    let mut sealer = Encryptor::new(&Key32::from_slice(&KEY).unwrap(), AAD.as_bytes()).unwrap();
    let mut sealed: Vec<u8> = sealer.push(plain).unwrap().concat();
    sealed.extend_from_slice(&sealer.finish().unwrap());
    sealed
}

fn open(sealed: &[u8]) -> Vec<u8> {
    let layout = Layout::of_ciphertext(sealed.len() as u64).unwrap();
    let header = sealed[..HEADER_BYTES].try_into().unwrap();
    let opener = Decryptor::new(&Key32::from_slice(&KEY).unwrap(), AAD.as_bytes(), header, layout).unwrap();
    let mut plain = Vec::new();
    for index in 0..layout.segments() {
        let place = layout.segment(index).unwrap();
        let start = usize::try_from(place.cipher_start).unwrap();
        plain.extend_from_slice(opener.open(index, &mut sealed[start..start + place.cipher_len].to_vec()).unwrap());
    }
    plain
}

/// Runs Tink on every file of `from`, into `to`.
fn tink(action: &str, from: &Path, to: &Path) {
    let python = std::env::var("EARWITNESS_TEST_PYTHON").expect(
        "EARWITNESS_TEST_PYTHON must name a Python that has tests/requirements.txt installed (`./test` sees to that)",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/tink_check.py");
    let run = Command::new(python).arg(script).args([action, &hex::encode(KEY), AAD]).args([from, to]).output();
    let run = run.expect("the Python in EARWITNESS_TEST_PYTHON does not start");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn tink_opens_what_we_seal_and_we_open_what_tink_seals() {
    let folder = tempfile::tempdir().unwrap();
    let [ours, opened, plain, theirs] = ["ours", "opened", "plain", "theirs"].map(|n| folder.path().join(n));
    for path in [&ours, &opened, &plain, &theirs] {
        std::fs::create_dir(path).unwrap();
    }
    for len in lengths() {
        std::fs::write(ours.join(len.to_string()), seal(&text(len))).unwrap();
        std::fs::write(plain.join(len.to_string()), text(len)).unwrap();
    }
    tink("open", &ours, &opened);
    tink("seal", &plain, &theirs);
    for len in lengths() {
        assert!(std::fs::read(opened.join(len.to_string())).unwrap() == text(len), "Tink opens {len} bytes");
        let sealed = std::fs::read(theirs.join(len.to_string())).unwrap();
        assert_eq!(sealed.len(), seal(&text(len)).len(), "{len} bytes give the same length");
        assert!(open(&sealed) == text(len), "we open {len} bytes");
    }
}

#[test]
fn tink_refuses_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let [bad, opened] = ["bad", "opened"].map(|n| folder.path().join(n));
    for path in [&bad, &opened] {
        std::fs::create_dir(path).unwrap();
    }
    let sealed = seal(&text(200_000));
    let mut flipped = sealed.clone();
    flipped[100_000] ^= 1;
    std::fs::write(bad.join("flipped"), flipped).unwrap();
    std::fs::write(bad.join("cut"), &sealed[..131_072]).unwrap();
    tink("refuse", &bad, &opened);
}
