//! Backups made and put back with the commands that deploy/BACKUP.md gives, word for word; and copies of everything.

use std::path::Path;
use std::process::Command;

use tokio::sync::OnceCell;

use super::engines::sqlite_url;
use super::outsider::Outsider;
use super::stack::Stack;
use super::world::World;

const DOCUMENT: &str = include_str!("../../../deploy/BACKUP.md");

const DUMP_SQLITE: &[&str] = &[r#"sqlite3 "$CATALOG" "VACUUM INTO 'catalog.backup'""#];
const PUT_BACK_SQLITE: &[&str] =
    &[r#"rm -f "$CATALOG" "$CATALOG-wal" "$CATALOG-shm""#, r#"install -m 0600 catalog.backup "$CATALOG""#];
const DUMP_POSTGRES: &[&str] = &[r#"pg_dump --format=custom --file=catalog.dump "$SERVER/$DATABASE""#];
const PUT_BACK_POSTGRES: &[&str] = &[
    r#"createdb --maintenance-db="$SERVER/postgres" --template=template0 "$DATABASE""#,
    r#"pg_restore --exit-on-error --single-transaction --no-owner --dbname="$SERVER/$DATABASE" catalog.dump"#,
];
const COPY_STORE: &[&str] = &[
    r#"cp "$DATA/objects/ledger/checkpoint" checkpoint"#,
    r#"rsync -a --delete --exclude=/ledger/checkpoint "$DATA/objects/" objects.backup/"#,
    r#"cp checkpoint objects.backup/ledger/checkpoint"#,
];

/// Runs the document's commands in a folder, with what its reader sets before.
fn documented(commands: &[&str], folder: &Path, env: &[(&str, &str)]) {
    for command in commands {
        assert!(DOCUMENT.contains(command), "BACKUP.md does not say: {command}");
        let path = std::env::var("PATH").expect("a PATH");
        let path = format!("{}:{path}", std::env::var("EARWITNESS_TEST_PG_BIN").expect("run the tests through ./test"));
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", command]).current_dir(folder).env("PATH", path);
        let output = shell.envs(env.iter().copied()).output().expect("a shell");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The server's address, and the database's name in it.
fn split(catalog: &str) -> (&str, &str) {
    catalog.rsplit_once('/').expect("an address with a database")
}

/// A backup of a catalog: a folder with the dump in it.
pub struct Backup {
    folder: tempfile::TempDir,
    stack: Stack,
    server: String,
}

impl World {
    /// A real backup of the catalog; a server may be using it.
    pub fn dump(&self) -> Backup {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = match self.stack {
            Stack::Embedded => {
                let file = self.catalog.trim_start_matches("sqlite://");
                documented(DUMP_SQLITE, folder.path(), &[("CATALOG", file)]);
                String::new()
            }
            Stack::Production => {
                let (server, name) = split(&self.catalog);
                documented(DUMP_POSTGRES, folder.path(), &[("SERVER", server), ("DATABASE", name)]);
                server.to_owned()
            }
        };
        Backup { folder, stack: self.stack, server }
    }

    /// Everything that is in catalog and store, and the signing key, copied to other places; of the keys nothing, but
    /// where they are. No server may run.
    pub async fn copy_of_all_but_the_keys(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut engines = self.engines.clone();
        match self.stack {
            Stack::Embedded => {
                documented(COPY_STORE, folder.path(), &[("DATA", self.data().to_str().expect("a plain path"))]);
                let objects = folder.path().join("objects.backup");
                engines.set("EARWITNESS_STORE", &format!("file://{}", objects.display()));
                engines.set("EARWITNESS_KEYS", &format!("file://{}", self.data().join("keys").display()));
            }
            Stack::Production => {
                let own = self.engines.store().expect("a bucket");
                let (place, query) = own.split_once('?').expect("an address with an endpoint");
                let copy = format!("{place}-copy?{query}");
                self.outsider().await.copy_to(&Outsider::at(&copy).await).await;
                engines.set("EARWITNESS_STORE", &copy);
            }
        }
        let signing = folder.path().join("data");
        std::fs::create_dir(&signing).expect("a folder");
        let copied = Command::new("cp").arg("-a").arg(self.data().join("signing")).arg(&signing).status();
        assert!(copied.expect("cp").success());
        let catalog = self.dump().put_back(folder.path());
        Self { folder, stack: self.stack, catalog, engines, store: OnceCell::new(), ahead_s: 0 }
    }
}

impl Backup {
    /// The address of a catalog made of it; a file is in this folder.
    pub fn put_back(&self, folder: &Path) -> String {
        let name = format!("r{}", uuid::Uuid::new_v4().simple());
        match self.stack {
            Stack::Embedded => {
                // Where a catalog was, with what a killed server left.
                let file = folder.join(name);
                let file = file.to_str().expect("a plain path");
                for end in ["", "-wal", "-shm"] {
                    std::fs::write(format!("{file}{end}"), "old").expect("a file");
                }
                documented(PUT_BACK_SQLITE, self.folder.path(), &[("CATALOG", file)]);
                sqlite_url(Path::new(file))
            }
            Stack::Production => {
                let env = [("SERVER", self.server.as_str()), ("DATABASE", name.as_str())];
                documented(PUT_BACK_POSTGRES, self.folder.path(), &env);
                format!("{}/{name}", self.server)
            }
        }
    }
}
