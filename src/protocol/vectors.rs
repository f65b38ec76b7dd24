//! Runs `tests/vectors/frames.json`, as the TypeScript client does.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::{DataMessage, Downstream, FrameError, Sender, Upstream};

fn table() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/frames.json")).unwrap()
}

fn vectors<'t>(table: &'t Value, name: &str) -> &'t [Value] {
    table[name].as_array().unwrap()
}

fn text<'t>(vector: &'t Value, name: &str) -> &'t str {
    vector[name].as_str().unwrap()
}

fn bytes(vector: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(text(vector, "protobuf")).unwrap()
}

fn upstream_json(text: &str) -> Result<Upstream<'_>, FrameError> {
    Upstream::from_json(text).and_then(|frame| frame.check().map(|()| frame))
}

fn upstream_protobuf(bytes: &[u8]) -> Result<Upstream<'_>, FrameError> {
    Upstream::from_protobuf(bytes).and_then(|frame| frame.check().map(|()| frame))
}

/// Protobuf has no field for the user of a sender.
fn without_sender(mut frame: Downstream<'_>) -> Downstream<'_> {
    if let Downstream::Message(DataMessage { from: Sender::Group { user_id, .. }, .. }) = &mut frame {
        *user_id = None;
    }
    frame
}

#[test]
fn frames_of_clients_are_the_same_in_both_encodings() {
    for vector in vectors(&table(), "upstream") {
        let (name, json, bytes) = (text(vector, "name"), text(vector, "json"), bytes(vector));
        let frame = upstream_json(json).unwrap();
        assert_eq!(frame.to_json(), json, "{name}");
        assert_eq!(frame.to_protobuf(), bytes, "{name}");
        assert_eq!(upstream_protobuf(&bytes), Ok(frame), "{name}");
    }
}

#[test]
fn frames_of_the_service_are_the_same_in_both_encodings() {
    for vector in vectors(&table(), "downstream") {
        let (name, json, bytes) = (text(vector, "name"), text(vector, "json"), bytes(vector));
        let frame = Downstream::from_json(json).unwrap().unwrap();
        assert_eq!(frame.to_json(), json, "{name}");
        assert_eq!(frame.to_protobuf(), bytes, "{name}");
        assert_eq!(Downstream::from_protobuf(&bytes), Ok(Some(without_sender(frame))), "{name}");
    }
}

#[test]
fn a_frame_may_be_written_in_other_ways() {
    let table = table();
    for vector in vectors(&table, "alternatives") {
        let (name, direction) = (text(vector, "name"), text(vector, "direction"));
        let same = |frame: &&Value| frame["name"] == vector["of"];
        let expected = text(vectors(&table, direction).iter().find(same).unwrap(), "json");
        let is_upstream = direction == "upstream";
        if let Some(json) = vector["json"].as_str() {
            if is_upstream {
                assert_eq!(upstream_json(json), upstream_json(expected), "{name}");
            } else {
                assert_eq!(Downstream::from_json(json), Downstream::from_json(expected), "{name}");
            }
        }
        if vector["protobuf"].is_string() {
            let bytes = bytes(vector);
            if is_upstream {
                assert_eq!(upstream_protobuf(&bytes), upstream_json(expected), "{name}");
            } else {
                assert_eq!(Downstream::from_protobuf(&bytes), Downstream::from_json(expected), "{name}");
            }
        }
    }
}

#[test]
fn what_the_service_may_add_is_unknown() {
    for vector in vectors(&table(), "unknown") {
        let name = text(vector, "name");
        assert_eq!(Downstream::from_json(text(vector, "json")), Ok(None), "{name}");
        if vector["protobuf"].is_string() {
            assert_eq!(Downstream::from_protobuf(&bytes(vector)), Ok(None), "{name}");
        }
    }
}

#[test]
fn invalid_frames_are_refused() {
    for vector in vectors(&table(), "invalid") {
        let (name, is_upstream) = (text(vector, "name"), vector["direction"] == "upstream");
        if let Some(json) = vector["json"].as_str() {
            let is_refused =
                if is_upstream { upstream_json(json).is_err() } else { Downstream::from_json(json).is_err() };
            assert!(is_refused, "{name}: {json}");
        }
        if vector["protobuf"].is_string() {
            let bytes = bytes(vector);
            let is_refused = if is_upstream {
                upstream_protobuf(&bytes).is_err()
            } else {
                Downstream::from_protobuf(&bytes).is_err()
            };
            assert!(is_refused, "{name}: {bytes:?}");
        }
    }
}

#[test]
fn the_reason_of_a_refusal_names_the_problem() {
    for (frame, expected) in [
        ("[]", "The frame is not a JSON object."),
        (r#"{"type":"what"}"#, "The frame's type is not known."),
        (r#"{"type":"sendToGroup","group":"g"}"#, "The frame needs data, which must not be null."),
        (r#"{"type":"sendToGroup","group":"g","dataType":"text","data":1}"#, "Data of type text must be a string."),
        (
            r#"{"type":"sendToGroup","group":"g","dataType":"x","data":1}"#,
            "The frame's dataType must be json, text, binary or protobuf.",
        ),
        (
            r#"{"type":"event","event":"e","data":1,"metadata":{"a":"1","A":"2"}}"#,
            "The key 'A' of metadata appears twice.",
        ),
        (r#"{"type":"cancelInvocation"}"#, "The frame needs an invocationId."),
    ] {
        assert_eq!(upstream_json(frame).unwrap_err().to_string(), expected, "{frame}");
    }
    let long = format!(r#"{{"type":"joinGroup","group":"g","ackId":"{}"}}"#, "x".repeat(100_000));
    assert!(upstream_json(&long).unwrap_err().to_string().len() < 400);
}
