//! Bulk import.

use serde_json::{Value, json};

use super::{document, import, row, stderr};
use crate::on_each_stack;
use crate::support::stack::Stack;
use crate::support::world::World;

on_each_stack!(an_import_is_repeatable_and_lists_what_it_refused);

fn rejects(world: &World) -> Vec<Value> {
    let text = std::fs::read_to_string(world.folder.path().join("calls.jsonl.rejects.jsonl")).unwrap_or_default();
    let mut rejects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rejects.sort_by_key(|reject| reject["row"].as_u64());
    assert!(!text.contains("Jantje") && !text.contains("+32470001122"), "no personal data: {text}");
    rejects
}

async fn an_import_is_repeatable_and_lists_what_it_refused(stack: Stack) {
    let world = World::new(stack).await;
    let mut rows: Vec<Value> = (0..5).map(|n| row(&world, &format!("call-{n}"), 60 + n, n as u32)).collect();
    let first = import(&world, &rows);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let done = document(&first);
    assert_eq!((&done["accepted"], &done["rejects"], &done["complete"]), (&json!(5), &Value::Null, &json!(true)));
    assert!(rejects(&world).is_empty());

    std::fs::write(world.folder.path().join("text.wav"), "no sound at all, only words").unwrap();
    let other = |row: &Value, changes: Value| {
        let mut row = row.clone();
        row.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        row
    };
    rows.push(other(&rows[0], json!({"call_id": "missing", "file": "nowhere.wav"})));
    rows.push(other(&rows[0], json!({"call_id": "text", "file": "text.wav"})));
    rows.push(other(&rows[0], json!({"call_id": "bad", "number": "0470 001122"})));
    rows.push(other(&rows[0], json!({"call_id": "call-1"})));
    rows.push(other(&rows[0], json!({"call_id": "ancient", "recorded_at": "2001-01-01T00:00:00Z"})));
    rows.push(other(&rows[0], json!({"agent": "another"})));
    rows.push(row(&world, "new", 60, 77));
    let second = import(&world, &rows);
    assert_eq!(second.status.code(), Some(3), "{}", stderr(&second));
    let done = document(&second);
    let counts = [&done["accepted"], &done["repeated"], &done["rejected"], &done["quarantined"]];
    assert_eq!(counts, [&json!(1), &json!(5), &json!(6), &json!(0)]);
    let found: Vec<(u64, String)> =
        rejects(&world).iter().map(|r| (r["row"].as_u64().unwrap(), r["codes"][0].as_str().unwrap().into())).collect();
    let expected = [
        (6, "file-missing"),
        (7, "not-audio"),
        (8, "invalid-metadata"),
        (9, "call-exists"),
        (10, "past-deadline"),
        (11, "metadata-mismatch"),
    ];
    assert_eq!(found, expected.map(|(row, code)| (row, code.to_owned())));
    assert_eq!(rejects(&world)[2]["errors"][0]["field"], "number");
    for (_, code) in expected.iter().filter(|(_, code)| *code != "file-missing") {
        assert!(earwitness::http::Code::from_name(code).is_some(), "{code} is a word of the API");
    }
    assert_eq!(world.run_json(&["report", "--json"])["totals"]["live"], 6);
    assert_eq!(world.run_json(&["fsck", "--rehash", "--json"])["rehashed"], 6);
}

#[tokio::test]
async fn a_csv_with_files_in_other_folders_is_taken_as_well() {
    let world = World::new(Stack::Embedded).await;
    let [near, far] = ["near", "far"].map(|name| world.folder.path().join(name));
    for folder in [&near, &far] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(near.join("a.wav"), crate::support::world::tone(1)).unwrap();
    std::fs::write(far.join("b.wav"), crate::support::world::tone(2)).unwrap();
    let manifest = world.folder.path().join("list.csv");
    let at = "2026-01-05T10:00:00+01:00";
    let text = format!(
        "file;call_id;account_id;recorded_at;tags\na.wav;c-1;acc;{at};\"x;y\"\nb.wav;c-2;acc;{at};\nb.wav;c-3;acc;{at};z\n"
    );
    std::fs::write(&manifest, text).unwrap();
    let [near, file, manifest] = [near, far.join("b.wav"), manifest].map(|path| path.display().to_string());
    let arguments = ["ingest", &near, &file, "--manifest", &manifest, "--json", "--jobs", "1"];
    assert_eq!(world.run_json(&arguments)["accepted"], 3);
    assert_eq!(world.run_json(&arguments)["repeated"], 3);
    let text = world.run(&["ingest", &near, "--manifest", &manifest]);
    assert_eq!(text.status.code(), Some(3), "{}", stderr(&text));
    std::fs::write(&manifest, "file,cal_id\n").unwrap();
    let refused = world.run(&arguments);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("`cal_id`"));
}
