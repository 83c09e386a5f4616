//! A timestamp authority on loopback, run by `openssl ts -reply`; and one that does not do what it should.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use tempfile::TempDir;
use tokio_util::task::AbortOnDropHandle;

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conduct {
    #[default]
    Honest,
    /// Refuses: it takes SHA-512 alone.
    Refuse,
    /// Stamps another digest.
    OtherDigest,
    /// Stamps the right digest in answer to another question.
    OtherNonce,
    /// Answers 503.
    Unavailable,
    /// Answers with more bytes than anybody should read.
    Endless,
}

/// See the module.
pub struct Tsa {
    pub url: String,
    inner: Arc<Inner>,
    _task: AbortOnDropHandle<()>,
}

struct Inner {
    folder: TempDir,
    conduct: Mutex<Conduct>,
    asked: AtomicUsize,
    /// `openssl ts` counts its serial numbers in a file.
    turn: Mutex<()>,
}

const SETTINGS: &str = "
[tsa]
default_tsa = honest
[honest]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
tsa_name = yes
ess_cert_id_alg = sha256
[refusing]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha512
";

/// Runs openssl in a folder; it has to succeed.
pub fn openssl(folder: &Path, arguments: &str) -> Output {
    let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output();
    let output = output.expect("openssl runs");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Makes a certificate `NAME.pem` with its key, issued by the authority in this folder, for this use.
pub fn issue(folder: &Path, name: &str, usage: &str) {
    std::fs::write(folder.join(format!("{name}.ext")), format!("extendedKeyUsage={usage}\n")).expect("a file");
    openssl(folder, &format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN=test-{name}"));
    openssl(
        folder,
        &format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -days 365 -extfile {name}.ext -out {name}.pem"),
    );
}

impl Tsa {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path();
        openssl(
            place,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 365 \
             -subj /CN=test-root -addext keyUsage=critical,keyCertSign",
        );
        issue(place, "tsa", "critical,timeStamping");
        std::fs::write(place.join("tsa.cnf"), SETTINGS).expect("a file");
        std::fs::write(place.join("serial"), "01\n").expect("a file");
        let inner =
            Arc::new(Inner { folder, conduct: Mutex::default(), asked: AtomicUsize::new(0), turn: Mutex::new(()) });
        let asked = inner.clone();
        let answer = move |request: Bytes| {
            let inner = asked.clone();
            async move { tokio::task::spawn_blocking(move || inner.answer(&request)).await.expect("no panic") }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            axum::serve(listener, Router::new().route("/tsr", post(answer))).await.expect("the server runs");
        });
        Self { url: format!("http://{address}/tsr"), inner, _task: AbortOnDropHandle::new(task) }
    }

    pub fn conduct(&self, conduct: Conduct) {
        *self.inner.conduct.lock().expect("no panic") = conduct;
    }

    /// The folder with its certificates (`ca.pem`, `tsa.pem`) and keys.
    pub fn folder(&self) -> &Path {
        self.inner.folder.path()
    }

    /// The file of the authority that vouches for it.
    pub fn ca_file(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    /// How often it was asked.
    pub fn times_asked(&self) -> usize {
        self.inner.asked.load(Ordering::SeqCst)
    }

    /// What `openssl ts -verify` says of an answer over this digest.
    pub fn openssl_verifies(&self, response: &[u8], sha256: &[u8; 32]) -> bool {
        let file = self.folder().join(format!("{}.tsr", uuid::Uuid::new_v4().simple()));
        std::fs::write(&file, response).expect("a file");
        let verify = Command::new("openssl")
            .args(["ts", "-verify", "-CAfile", "ca.pem", "-digest", &hex::encode(sha256), "-in"])
            .arg(&file)
            .current_dir(self.folder())
            .output();
        verify.expect("openssl runs").status.success()
    }
}

impl Inner {
    fn answer(&self, request: &[u8]) -> Response {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _turn = self.turn.lock().expect("no panic");
        let conduct = *self.conduct.lock().expect("no panic");
        let place = self.folder.path();
        let question = place.join("question.tsq");
        std::fs::write(&question, request).expect("a file");
        // The digest is the first octet string of 32 bytes.
        let digest = request.windows(2).position(|two| two == [0x04, 0x20]).expect("a SHA-256") + 2;
        let digest = hex::encode(&request[digest..digest + 32]);
        match conduct {
            Conduct::Honest | Conduct::Refuse => {}
            Conduct::OtherDigest => {
                let other = "00".repeat(32);
                openssl(place, &format!("ts -query -sha256 -digest {other} -cert -out question.tsq"));
            }
            Conduct::OtherNonce => {
                openssl(place, &format!("ts -query -sha256 -digest {digest} -cert -out question.tsq"));
            }
            Conduct::Unavailable => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Conduct::Endless => return vec![0x30; 1 << 20].into_response(),
        }
        let section = if conduct == Conduct::Refuse { "refusing" } else { "honest" };
        openssl(
            place,
            &format!("ts -reply -config tsa.cnf -section {section} -queryfile question.tsq -out answer.tsr"),
        );
        std::fs::read(place.join("answer.tsr")).expect("an answer").into_response()
    }
}
