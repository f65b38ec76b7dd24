//! Answers of the real service, recorded, against answers of the emulator.
//!
//! The recordings lie outside the repository, in `../shared/cases`; where they are absent the test says so.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::world::{World, header};

#[test]
fn answers_are_those_that_were_recorded() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/rest.jsonl");
    let Ok(text) = fs::read_to_string(&file) else {
        println!("skipped: there are no recordings at ../shared/cases");
        return;
    };
    let (mut replayed, mut left_out) = (0, 0);
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if is_in_scope(&case) {
            replay(&case);
            replayed += 1;
        } else {
            left_out += 1;
        }
    }
    println!("{replayed} recordings replayed, {left_out} are of operations or states that the emulator does not have");
    assert!(replayed >= 35, "only {replayed} recordings were replayed");
}

/// Whether the emulator has the operation, and the answer does not hang on a state that the recording lacks.
fn is_in_scope(case: &Value) -> bool {
    let operation = case["operation"].as_str().unwrap();
    let has_filter = case["request"]["query"].as_str().unwrap_or_default().contains("filter=");
    let is_preview = case["request"]["query"].as_str().unwrap_or_default().contains("2020-10-01");
    let later = operation.contains("ermission")
        || operation.contains("Token")
        || operation.starts_with("list")
        || operation.ends_with("ToGroups")
        || operation.ends_with("FromGroups");
    // These found something that was made before.
    let found = operation.ends_with("Exists") && case["response"]["status"] == 200;
    !later && !has_filter && !is_preview && !found
}

fn replay(case: &Value) {
    let id = case["id"].as_str().unwrap();
    let (request, recorded) = (&case["request"], &case["response"]);
    let path = format!("{}?{}", request["path"].as_str().unwrap(), request["query"].as_str().unwrap_or_default());
    let content_type = request["headers"]["Content-Type"].as_str();
    let content = match &request["body"] {
        Value::Null => String::new(),
        Value::String(text) if content_type != Some("application/json") => text.clone(),
        json => json.to_string(),
    };
    let mut world = World::new();
    let method = request["method"].as_str().unwrap();
    let response = world.rest_with(method, &path, content_type, content.as_bytes());
    assert_eq!(json!(response.status), recorded["status"], "{id}");
    for name in ["content-length", "content-type", "x-ms-error-code"] {
        let recorded = recorded["headers"].as_object().unwrap().iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        // In 2022 the service did not decode the name before it put it into the message.
        if let Some((_, value)) = recorded
            && !(id == "rest-126" && name == "content-length")
        {
            assert_eq!(header(&response, name), value.as_str(), "{id} {name}");
        }
    }
    // Which versions it names depends on the day of the recording.
    let names_versions = recorded["headers"].get("api-supported-versions").is_some();
    assert_eq!(header(&response, "api-supported-versions").is_some(), names_versions, "{id}");
    if let body @ Value::Object(_) = &recorded["body"] {
        assert_eq!(&serde_json::from_slice::<Value>(&response.body).unwrap(), body, "{id}");
    }
}
