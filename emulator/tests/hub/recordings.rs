//! Answers of the real service, recorded, against answers of the emulator.
//!
//! The recordings are in `tests/cases`. Requests of one recording are replayed in their order in one world. The world is
//! set up first, because some requests of a recording were not kept.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use webpubsub_edge_emulator::{Response, Settings};

use crate::world::{JSON, ORIGIN, World, body, header};

/// What a recording found, and how its ids stand for the emulator's.
struct Stage {
    /// How the name of the recording ends.
    recording: &'static str,
    hub: &'static str,
    group: &'static str,
    connections: usize,
    user: Option<&'static str>,
    /// Recorded connection ids, with the place of the connection in the emulator's order.
    ids: &'static [(&'static str, usize)],
    /// Recorded continuation tokens, with the place of the last connection on the page before. The service uses the
    /// first id of that page; the emulator uses the last.
    tokens: &'static [(&'static str, usize)],
}

const STAGES: [Stage; 8] = [
    Stage {
        recording: "test_live_api_coverage_all_apis_and_parameters.json",
        hub: "hub",
        group: "group-live-1",
        connections: 1,
        // The recorder replaced the user id in the answer, though not in the paths.
        user: Some("Sanitized"),
        ids: &[("__O3HM8fu3P8qE_PidojywmtbNwgK02", 0)],
        tokens: &[],
    },
    Stage {
        recording: "maxcounteq3_pagesizeequndefined.json",
        hub: "listconnectionsingroup",
        group: "group1",
        connections: 6,
        user: None,
        ids: &[
            ("KtEUFCyGtxMhfTMkxFXigAyHa7qAK02", 0),
            ("1szSayRmsK5_byQZdOsUtgmtbNwgK02", 1),
            ("D3Iutn7Y-m9rDB-p7-RPIgyHa7qAK02", 2),
        ],
        tokens: &[],
    },
    Stage {
        recording: "maxcounteq5_pagesizeeq2.json",
        hub: "listconnectionsingroup",
        group: "group1",
        connections: 6,
        user: None,
        ids: &[
            ("31CiQIfsR6HS30HD11sFlAbS7hyAK02", 0),
            ("-s27k94j-h0Fan8h1pM_UwyHa7qAK02", 1),
            ("w3vD94HCWQ-8JMt-slXx0QmtbNwgK02", 4),
        ],
        tokens: &[("31CiQIfsR6HS30HD11sFlAbS7hyAK02", 1), ("VeMuCmGxDxvGaY5hytL7tAbS7hyAK02", 3)],
    },
    Stage {
        recording: "maxcountequndefined_pagesizeeq2.json",
        hub: "listconnectionsingroup",
        group: "group1",
        connections: 6,
        user: None,
        ids: &[
            ("e16zdnkk0OUiBpc0z8o3lQbS7hyAK02", 2),
            ("CCJA_eINmZqqHbRmLB1YggbS7hyAK02", 3),
            ("Hi0PtlISf5FNSVs5CQXDGAbS7hyAK02", 4),
            ("eJvJThmZ5ci7MjJ4vTFGRgmtbNwgK02", 5),
        ],
        tokens: &[("At6yYaqk1SoIn21-2xWtrgyHa7qAK02", 1), ("e16zdnkk0OUiBpc0z8o3lQbS7hyAK02", 3)],
    },
    Stage {
        recording: "ListConnectionsInGroup(6,5,2,5,3).json",
        hub: "serviceclientcanlistconnectionsingroup",
        group: "group1",
        connections: 6,
        user: None,
        ids: &[
            ("MakDGZKW2X9sepRAdxLKFwD4EB9Aa02", 0),
            ("8WTKHMQsHkWSd8P_4poQswTxxhLga02", 1),
            ("o8Y7e0ghQzPfI1hkBoLt_gD4EB9Aa02", 2),
            ("Mfu0LJivGfS5LfY8N7_tFAD4EB9Aa02", 3),
            ("tlNQeHgHwwYaMsqcpM0SFAD4EB9Aa02", 4),
        ],
        tokens: &[("MakDGZKW2X9sepRAdxLKFwD4EB9Aa02", 1), ("o8Y7e0ghQzPfI1hkBoLt_gD4EB9Aa02", 3)],
    },
    Stage {
        recording: "ListConnectionsInGroup(6,null,2,6,3).json",
        hub: "serviceclientcanlistconnectionsingroup",
        group: "group1",
        connections: 6,
        user: None,
        ids: &[
            ("0SRIEk-rly_5bspVMWu9xQTxxhLga02", 0),
            ("_dpeZtoUbGgGF-EK06RDQQIQBg-Qa02", 1),
            ("zTOHzs1x481uqZjYNAfeCATxxhLga02", 4),
            ("ZaWNbPsuKA7eFlBzSj2hIQIQBg-Qa02", 5),
        ],
        tokens: &[("0SRIEk-rly_5bspVMWu9xQTxxhLga02", 1), ("sm6FGW0O9zDu5GGy2wCJxATxxhLga02", 3)],
    },
    Stage {
        // It passes a whole nextLink as the continuation token.
        recording: "ServiceClientCanListConnectionsInGroupWithContinuationToken.json",
        hub: "serviceclientcanlistconnectionsingroupwithcontinuationtoken",
        group: "serviceclientcanlistconnectionsingroupwithcontinuationtoken",
        connections: 2,
        user: None,
        ids: &[("ZkI3be0WTgWOZTL8QjoMPgTxxhLga02", 1)],
        tokens: &[("6eD1-hicuRVKk2p4b7yOXwIQBg-Qa02", 0)],
    },
    Stage {
        recording: "testListConnectionsInGroupWithContinuationToken.json",
        hub: "Hub",
        group: "listconnectionsingroupwithcontinuationtoken_sync",
        connections: 2,
        user: None,
        ids: &[("tXsTeXacUzyT2K8E0gxPUgR4l6TQj02", 0)],
        tokens: &[("tXsTeXacUzyT2K8E0gxPUgR4l6TQj02", 0)],
    },
];

/// Recordings that cannot be replayed.
const NOT_REPLAYED: [(&str, &str); 1] =
    [("rest-130", "its version, 2020-10-01, is a preview that the emulator does not have")];

/// Headers that differ for a reason.
const DIFFERENT_HEADERS: [(&str, &str, &str); 1] =
    [("rest-126", "content-length", "in 2022 the service did not decode the name before it put it into the message")];

#[test]
fn answers_are_those_that_were_recorded() {
    let cases = cases("rest.jsonl");
    let mut recordings: Vec<(String, Vec<&Value>)> = Vec::new();
    for case in &cases {
        let name = recording(case);
        match recordings.iter_mut().find(|(known, _)| *known == name) {
            Some((_, of_it)) => of_it.push(case),
            None => recordings.push((name, vec![case])),
        }
    }
    let mut replayed = 0;
    for (name, cases) in recordings {
        let mut replay = Replay::new(&name);
        for case in cases {
            let id = case["id"].as_str().unwrap();
            if let Some((_, reason)) = NOT_REPLAYED.iter().find(|(left_out, _)| *left_out == id) {
                println!("{id} is not replayed: {reason}");
                continue;
            }
            replay.run(id, case);
            replayed += 1;
        }
    }
    println!("{replayed} of {} recordings replayed", cases.len());
    assert_eq!(replayed + NOT_REPLAYED.len(), cases.len());
}

/// One recording being replayed.
struct Replay {
    world: World,
    /// What the recording calls things, and what the emulator calls them. Tokens come first: an id can be both.
    tokens: Vec<(String, String)>,
    ids: Vec<(String, String)>,
}

impl Replay {
    fn new(recording: &str) -> Replay {
        let mut world = World::with(Settings { allow_unvalidated_entra_tokens: true, ..Settings::default() });
        let (mut tokens, mut ids) = (Vec::new(), Vec::new());
        if let Some(stage) = STAGES.iter().find(|stage| recording.ends_with(stage.recording)) {
            let mut own: Vec<String> = (0..stage.connections)
                .map(|_| {
                    let claims = json!({ "webpubsub.group": stage.group, "sub": stage.user.unwrap_or_default() });
                    let path = format!("/client/hubs/{}", stage.hub);
                    let token = world.token(&format!("{ORIGIN}{path}"), claims);
                    let socket = world.upgrade(&format!("{path}?access_token={token}"), JSON).unwrap();
                    world.connection_id(socket)
                })
                .collect();
            own.sort();
            let named = |names: &[(&str, usize)]| {
                names.iter().map(|(name, place)| ((*name).to_owned(), own[*place].clone())).collect()
            };
            (tokens, ids) = (named(stage.tokens), named(stage.ids));
        }
        Replay { world, tokens, ids }
    }

    fn run(&mut self, id: &str, case: &Value) {
        let (request, recorded) = (&case["request"], &case["response"]);
        let response = self.send(case["operation"] == "generateClientToken", request, &case["bodyEncoding"]);
        assert_eq!(json!(response.status), recorded["status"], "{id}");
        let recorded_headers = recorded["headers"].as_object().unwrap();
        for name in ["content-length", "content-type", "x-ms-error-code"] {
            let recorded_header = recorded_headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            let differs = DIFFERENT_HEADERS.iter().any(|(case, header, _)| (*case, *header) == (id, name));
            // Lists have ids and links of another length.
            let has_own_length = name == "content-length" && !recorded["body"]["value"].is_null();
            if let Some((_, value)) = recorded_header
                && !differs
                && !has_own_length
            {
                assert_eq!(header(&response, name), value.as_str(), "{id} {name}");
            }
        }
        // Which versions it names depends on the day of the recording.
        let names_versions = recorded_headers.contains_key("api-supported-versions");
        assert_eq!(header(&response, "api-supported-versions").is_some(), names_versions, "{id}");
        if recorded["body"].is_object() {
            assert_eq!(self.in_recorded_words(&response), without_host(&recorded["body"]), "{id}");
        }
    }

    fn send(&mut self, as_entra: bool, request: &Value, encoding: &Value) -> Response {
        let mut path =
            format!("{}?{}", request["path"].as_str().unwrap(), request["query"].as_str().unwrap_or_default());
        for (recorded, own) in &self.tokens {
            for assignment in ["continuationToken=", "continuationToken%3D"] {
                path = path.replace(&format!("{assignment}{recorded}"), &format!("{assignment}{own}"));
            }
        }
        for (recorded, own) in &self.ids {
            path = path.replace(recorded, own);
        }
        let content_type = request["headers"]["Content-Type"].as_str();
        let content = match &request["body"] {
            Value::Null => Vec::new(),
            Value::String(text) if *encoding == "base64" => BASE64_STANDARD.decode(text).unwrap(),
            Value::String(text) if content_type != Some("application/json") => text.clone().into_bytes(),
            json => json.to_string().into_bytes(),
        };
        let token = match as_entra {
            true => self.world.entra_token(json!({})),
            false => self.world.token(&format!("{ORIGIN}{path}"), json!({})),
        };
        self.world.rest_as(&token, request["method"].as_str().unwrap(), &path, content_type, &content)
    }

    /// The body of an answer with the names that the recording has for its ids and tokens.
    fn in_recorded_words(&self, response: &Response) -> Value {
        let mut text = String::from_utf8(response.body.clone()).unwrap();
        for (recorded, own) in &self.tokens {
            text = text.replace(&format!("continuationToken={own}"), &format!("continuationToken={recorded}"));
        }
        for (recorded, own) in &self.ids {
            text = text.replace(own, recorded);
        }
        let mut body: Value = serde_json::from_str(&text).unwrap();
        if let Some(token) = body.get_mut("token") {
            assert_eq!(token.as_str().unwrap().split('.').count(), 3);
            *token = json!("Sanitized");
        }
        without_host(&body)
    }
}

fn without_host(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(link) = body.get_mut("nextLink") {
        let (_, path) = link.as_str().unwrap().split_once("/api/").unwrap();
        *link = json!(path);
    }
    body
}

/// What the official SDK was seen to send, against a hub without connections.
#[test]
fn requests_of_the_official_sdk_are_understood() {
    let cases = cases("rest-request.jsonl");
    for case in &cases {
        let request = &case["request"];
        let path = format!("{}?{}", request["path"].as_str().unwrap(), request["query"].as_str().unwrap());
        let content_type = request["headers"]["content-type"].as_str();
        let content = request["body"].as_str().unwrap_or_default();
        let method = request["method"].as_str().unwrap();
        let expected = match (method, case["operation"].as_str().unwrap()) {
            ("DELETE", "revokePermission no target") => 400,
            ("HEAD" | "PUT", _) => 404,
            ("DELETE", _) => 204,
            _ if path.contains(":closeConnections") => 204,
            _ if path.contains("Groups") => 200,
            _ => 202,
        };
        let response = World::new().rest_with(method, &path, content_type, content.as_bytes());
        assert_eq!(response.status, expected, "{}", case["id"]);
    }
    assert!(cases.len() > 10);
}

/// What the official SDKs build out of templates: well formed, whatever it names.
#[test]
fn filters_of_the_official_sdks_are_understood() {
    let cases = cases("filter.jsonl");
    for case in &cases {
        let filter = case["expected"].as_str().unwrap();
        let escaped: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let response = World::new().post(&format!("/api/hubs/chat/:send?filter={escaped}"), "text/plain", b"x");
        if filter.contains("Foo") {
            let message = format!("Invalid syntax for '{filter}': Token 'Foo' is not supported. (Parameter 'filter')");
            assert_eq!(body(&response)["message"], message);
        } else {
            assert_eq!(response.status, 202, "{filter}");
        }
    }
    assert!(cases.len() > 5);
}

fn cases(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(file);
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The name of the recording that a case was taken from.
fn recording(case: &Value) -> String {
    let source = case["source"].as_str().unwrap();
    source.split('#').next().unwrap_or_default().to_owned()
}
