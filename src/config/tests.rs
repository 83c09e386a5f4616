//! Which value wins, what is refused, and with which words.

use std::ffi::OsString;
use std::path::Path;

use super::*;

fn env(pairs: &[(&str, &str)]) -> Inputs {
    // A file that is there and empty: what lies in the tests' working folder must not count.
    let env = pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    Inputs { config_file: Some("/dev/null".into()), env, flags: Vec::new() }
}

fn file(text: &str) -> (tempfile::NamedTempFile, Inputs) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let inputs = Inputs { config_file: Some(file.path().to_owned()), ..Inputs::default() };
    (file, inputs)
}

fn refusal(inputs: &Inputs) -> String {
    Config::load(inputs).unwrap_err().to_string()
}

#[test]
fn with_nothing_configured_everything_is_embedded() {
    let config = Config::load(&env(&[])).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.catalog, CatalogUrl::Sqlite("./data/catalog.db".into()));
    assert_eq!(config.store, StoreUrl::Disk("./data/objects".into()));
    assert_eq!(config.keys, KeysUrl::Folder("./data/keys".into()));
    assert_eq!(config.retention.rule_text(), "call_recording/1 P5Y Europe/Brussels instant");
    assert_eq!((config.sweep_interval, config.limits.max_upload_bytes), (Duration::from_secs(60), 1 << 30));
    assert_eq!(config.spool, std::env::temp_dir());
    assert_eq!((config.metrics_listen, config.keys_replica, config.controller), (None, None, Controller::default()));
}

#[test]
fn what_is_embedded_follows_the_data_folder() {
    let config = Config::load(&env(&[("EARWITNESS_DATA", "/srv/ew"), ("EARWITNESS_KEYS", "file://{data}/k")])).unwrap();
    assert_eq!(config.catalog, CatalogUrl::Sqlite("/srv/ew/catalog.db".into()));
    assert_eq!(config.keys, KeysUrl::Folder("{data}/k".into()), "only defaults are templates");
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_defaults() {
    let (kept, mut inputs) = file("sweep_interval = \"2m\"\nmax_parts = 5\ndata = \"/f\"\nlog = \"warn\"");
    inputs.env = env(&[("EARWITNESS_MAX_PARTS", "6"), ("EARWITNESS_LOG", "debug"), ("PATH", "/bin")]).env;
    inputs.flags = vec![("log".to_owned(), "error".to_owned())];
    let config = Config::load(&inputs).unwrap();
    assert_eq!(
        (config.sweep_interval, config.limits.max_parts, config.log.as_str()),
        (Duration::from_secs(120), 6, "error")
    );

    let explained = config.explain();
    assert_eq!(explained.len(), SETTINGS.len());
    assert!(explained.iter().zip(SETTINGS).all(|(setting, spec)| setting.name == spec.name));
    let source = |name| explained.iter().find(|s| s.name == name).map(|s| s.source.clone()).unwrap();
    assert_eq!(source("sweep_interval"), kept.path().display().to_string());
    assert_eq!(source("max_parts"), "EARWITNESS_MAX_PARTS");
    assert_eq!(source("log"), "--log");
    assert_eq!((source("keys").as_str(), source("privacy_contact").as_str()), ("default", "default"));
}

#[test]
fn values_from_the_environment_are_texts_whatever_they_look_like() {
    for name in ["1e3", "[x]", "{a=1}", "true", "\"quoted\"", "Société S.A., Bruxelles", "007"] {
        let config = Config::load(&env(&[("EARWITNESS_CONTROLLER_NAME", name)])).unwrap();
        assert_eq!(config.controller.name.as_deref(), Some(name));
    }
    assert_eq!(Config::load(&env(&[("EARWITNESS_CONTROLLER_NAME", "")])).unwrap().controller.name, None);
}

#[test]
fn a_name_that_is_no_setting_is_refused_with_the_nearest_one() {
    let said = refusal(&env(&[("EARWITNESS_RETENTION_PEROID", "P1Y")]));
    assert!(said.contains("EARWITNESS_RETENTION_PEROID") && said.contains("`EARWITNESS_RETENTION_PERIOD`"), "{said}");
    let said = refusal(&env(&[("EARWITNESS_data", "/x")]));
    assert!(said.contains("did you mean `EARWITNESS_DATA`"), "{said}");
    let (_kept, inputs) = file("retention_zon = \"UTC\"");
    let said = refusal(&inputs);
    assert!(said.contains("`retention_zon`; did you mean `retention_zone`?"), "{said}");
    let (_kept, inputs) = file("[retention]\nperiod = \"P1Y\"");
    assert!(refusal(&inputs).contains("there is no setting `retention`"), "{}", refusal(&inputs));
    for tests_own in ["EARWITNESS_TEST_POSTGRES", "EARWITNESS_FAILPOINT", "EARWITNESS_MUTANTS"] {
        assert!(Config::load(&env(&[(tests_own, "x")])).is_ok(), "{tests_own}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let missing = Inputs { config_file: Some("/nowhere/earwitness.toml".into()), ..Inputs::default() };
    assert!(refusal(&missing).contains("/nowhere/earwitness.toml"));
    for text in ["data = ", "listen = [1]", "data = 1.5"] {
        let (_kept, inputs) = file(text);
        assert!(matches!(Config::load(&inputs), Err(ConfigError::File { .. })), "{text}");
    }
    let by_env = Inputs { env: vec![("EARWITNESS_CONFIG".into(), "/nowhere/else.toml".into())], ..Inputs::default() };
    assert!(refusal(&by_env).contains("/nowhere/else.toml"));
}

#[test]
fn a_value_out_of_place_is_refused_with_what_would_be_right() {
    for (name, value, hint) in [
        ("EARWITNESS_TRUSTED_PROXIES", "10.0.0.0/8, proxy", "networks or addresses"),
        ("EARWITNESS_FORWARDED_HEADER", "via", "x-forwarded-for or forwarded"),
        ("EARWITNESS_LISTEN", "8080", "127.0.0.1:8080"),
        ("EARWITNESS_SWEEP_INTERVAL", "60", "60s"),
        ("EARWITNESS_SWEEP_INTERVAL", "2d", "24 h"),
        ("EARWITNESS_RETENTION_PERIOD", "5 years", "P5Y"),
        ("EARWITNESS_RETENTION_PERIOD", "PT1H", "no time part"),
        ("EARWITNESS_RETENTION_ZONE", "Brussels", "Europe/Brussels"),
        ("EARWITNESS_RETENTION_END", "endofday", "end-of-day"),
        ("EARWITNESS_MAX_UPLOAD_BYTES", "1 gig", "1GiB"),
        ("EARWITNESS_MAX_PARTS", "1", "from 2"),
        ("EARWITNESS_DECODER_TIMEOUT", "1500ms", "whole seconds"),
        ("EARWITNESS_LEDGER_ORIGIN", "https://x.example/ledger", "without scheme"),
        ("EARWITNESS_LOG_FORMAT", "xml", "text or json"),
        ("EARWITNESS_LOG", "a=loud", "info"),
        ("EARWITNESS_DATA", " ", "empty"),
    ] {
        let said = refusal(&env(&[(name, value)]));
        assert!(said.contains(name) && said.contains(value) && said.contains(hint), "{name}={value}: {said}");
    }
}

#[test]
fn addresses_of_engines_are_understood() {
    let s3 = "s3://ew/rec/?endpoint=http://127.0.0.1:8333&region=eu-west-1&path_style=true".parse();
    let wanted = S3Url {
        bucket: "ew".to_owned(),
        prefix: "rec".to_owned(),
        endpoint: Some("http://127.0.0.1:8333".to_owned()),
        region: Some("eu-west-1".to_owned()),
        path_style: true,
    };
    assert_eq!(s3, Ok(StoreUrl::S3(wanted)));
    let transit = KeysUrl::Transit { server: "https://bao.example:8200".to_owned(), mount: "transit".to_owned() };
    assert_eq!("transit+https://bao.example:8200/transit/".parse(), Ok(transit));
    for bad in
        ["", "/data", "file://", "s3://", "s3:///x", "s3://key:secret@b", "s3://b?acl=public", "s3://b?path_style=1"]
    {
        assert!(bad.parse::<StoreUrl>().is_err(), "{bad}");
    }
    for bad in ["transit+http://bao.example/t", "transit+https://h", "transit+https:///t", "aws-kms:", "file://", "x"] {
        assert!(bad.parse::<KeysUrl>().is_err(), "{bad}");
    }
    for bad in ["sqlite://", "postgres://h", "postgres://h/", "mysql://h/d", "catalog.db"] {
        assert!(bad.parse::<CatalogUrl>().is_err(), "{bad}");
    }
}

#[test]
fn the_address_of_kms_names_what_its_aliases_begin_with() {
    let url: KeysUrl = "aws-kms:alias/ew?region=eu-west-1&endpoint=http://127.0.0.1:1&waiting_days=30".parse().unwrap();
    let expected = KmsUrl {
        alias_prefix: "ew".to_owned(),
        region: Some("eu-west-1".to_owned()),
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        waiting_days: 30,
    };
    assert_eq!(url, KeysUrl::AwsKms(expected));
    let least = KmsUrl { alias_prefix: "ew".to_owned(), region: None, endpoint: None, waiting_days: 7 };
    assert_eq!("aws-kms:ew".parse(), Ok(KeysUrl::AwsKms(least)));
    for bad in ["aws-kms:a b", "aws-kms:ew?waiting_days=6", "aws-kms:ew?waiting_days=31", "aws-kms:ew?x=1", "aws-kms:?"]
    {
        assert!(bad.parse::<KeysUrl>().is_err(), "{bad}");
    }
}

#[test]
fn passwords_are_shown_nowhere() {
    for (url, shown) in [
        ("postgres://ew:s3cr3t@db/ew?sslmode=require", "postgres://ew:***@db/ew?sslmode=require"),
        ("postgres://ew:s3@cr3t@db/ew", "postgres://ew:***@db/ew"),
        ("postgres://db/ew?user=ew&password=s3cr3t", "postgres://db/ew?user=ew&password=***"),
        ("postgres://ew@db/ew", "postgres://ew@db/ew"),
    ] {
        let config = Config::load(&env(&[("EARWITNESS_CATALOG", url)])).unwrap();
        assert_eq!(config.catalog, CatalogUrl::Postgres(url.to_owned()));
        assert_eq!(config.catalog.to_connect(), url, "connecting needs the password");
        let setting = config.explain().into_iter().find(|s| s.name == "catalog").unwrap();
        assert_eq!(setting.value.as_deref(), Some(shown));
        assert!(!format!("{config:?}").contains("cr3t"), "{config:?}");
    }
    let said = refusal(&env(&[("EARWITNESS_CATALOG", "mysql://ew:s3cr3t@db/ew")]));
    assert!(said.contains("mysql://ew:***@db/ew") && !said.contains("s3cr3t"), "{said}");
    let said = refusal(&env(&[("EARWITNESS_CATALOG", "postgres://ew:s3?cr3t@db/ew")]));
    assert!(said.contains("postgres://ew:***@db/ew") && !said.contains("s3?"), "{said}");
    let said = refusal(&env(&[("EARWITNESS_KEYS", "transit+https://s3cr3t@bao.example/transit")]));
    assert!(said.contains("transit+https://***@bao.example") && !said.contains("s3cr3t"), "{said}");
}

#[test]
fn every_setting_is_a_flag_before_and_after_a_subcommand() {
    use clap::Parser;
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        flags: Flags,
        #[command(subcommand)]
        _command: Sub,
    }
    #[derive(clap::Subcommand)]
    enum Sub {
        Serve,
    }
    let cli = Cli::try_parse_from(["ew", "--data", "/x", "serve", "--sweep-interval", "1s", "--config", "/dev/null"])
        .unwrap();
    let inputs = Inputs { env: Vec::new(), ..cli.flags.inputs() };
    let config = Config::load(&inputs).unwrap();
    assert_eq!((config.data.as_path(), config.sweep_interval), (Path::new("/x"), Duration::from_secs(1)));
    assert!(Cli::try_parse_from(["ew", "serve", "--sweep-intervall", "1s"]).is_err());
}

#[test]
fn the_readme_lists_every_setting_as_it_is() {
    let readme = include_str!("../../README.md");
    for Spec { name, default, about } in SETTINGS {
        let default = default.replace("{data}", "<data>");
        let default = if default.is_empty() { default } else { format!("`{default}`") };
        let row = format!("| `{name}` | {default} | {} |", about.replace('|', "\\|"));
        assert!(readme.contains(&row), "README.md lacks this row:\n{row}");
    }
}
