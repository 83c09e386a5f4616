//! A seal of the organisation's own, issued by an authority.

use std::path::Path;
use std::process::Command;

use super::{accepted, asked, checked, held, made, run, unpacked};
use crate::on_both_stacks;
use crate::support::archive::Running;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    the_organisations_own_signs_with_its_chain,
);

/// A root, an authority below it, and a seal below that, as people make them with openssl.
fn issue(folder: &Path) {
    let extensions = "[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n\
        [seal]\nbasicConstraints=critical,CA:false\nkeyUsage=critical,nonRepudiation\n";
    std::fs::write(folder.join("x.cnf"), extensions).expect("a file");
    let openssl = |arguments: &str| {
        run(Command::new("openssl").args(arguments.split(' ')).current_dir(folder));
    };
    let curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {curve} -keyout root.key -out root.pem -days 30 -subj /CN=Root"));
    for (name, above, part) in [("ca", "root", "ca"), ("seal", "ca", "seal")] {
        openssl(&format!("req {curve} -keyout {name}.key -out {name}.csr -subj /O=Example-NV/CN={name}"));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA {above}.pem -CAkey {above}.key -CAcreateserial -days 20 -out {name}.pem \
             -extfile x.cnf -extensions {part}"
        ));
    }
    let both = ["seal.pem", "ca.pem"].map(|name| std::fs::read_to_string(folder.join(name)).expect("a text"));
    std::fs::write(folder.join("chain.pem"), both.concat()).expect("a file");
}

async fn the_organisations_own_signs_with_its_chain(place: &Place) {
    let folder = tempfile::tempdir().expect("a folder");
    issue(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let env = [("EARWITNESS_SEAL_KEY", path("seal.key")), ("EARWITNESS_SEAL_CERTIFICATE", path("chain.pem"))];
    let running = Running::start_with(place, &env.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    // Certificates are of the machine's time.
    let now = chrono::DateTime::from_timestamp(crate::support::world::unix_now(), 0).expect("a time");
    running.clock.set(now.into());
    let held = held(&running, 1).await;
    let answer = made(&running, &held, &asked()).await;
    let report = checked(&answer.body, &[&std::fs::read_to_string(folder.path().join("seal.pem")).expect("a text")]);
    assert_eq!(report.conclusion(), "verified", "{report}");
    let unpacked = unpacked(&answer.body);
    let found = accepted(&unpacked.bag, &folder.path().join("root.pem"), None, true);
    assert!(found.as_object().expect("an object").values().all(|good| good == true), "{found}");
    let text = std::fs::read_to_string(unpacked.bag.join("data/VERIFY.txt")).expect("a text");
    assert!(text.contains("-CAfile ROOT.pem"), "{text}");
}
