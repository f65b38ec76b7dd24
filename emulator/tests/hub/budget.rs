//! What the service retains fits a budget, and what does not fit is given up in the documented order.

use serde_json::{Value, json};
use webpubsub_edge_emulator::{EventReply, Input, Request, Settings, SocketId};

use crate::world::{Event, JSON, RELIABLE, World, body};

const MIB: usize = 1024 * 1024;

/// A service that retains at most this many MiB, writes a log and cannot ping.
fn world(mib: u64) -> World {
    let max_retained_bytes = mib * 1024 * 1024;
    World::with(Settings { max_retained_bytes, log: true, can_ping: false, ..Settings::default() })
}

/// A message that is a little smaller than the largest one.
fn large() -> String {
    "x".repeat(MIB - 1000)
}

struct Client {
    socket: SocketId,
    id: String,
    token: String,
}

impl Client {
    /// A reliable client that is alone in a group of its name.
    fn connect(world: &mut World, name: &str) -> Client {
        let role = ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"];
        let claims = json!({ "sub": name, "role": role, "webpubsub.group": [name, "all"] });
        let socket = world.connect(RELIABLE, claims);
        let connected = world.frames(socket).remove(0);
        let text = |name: &str| connected[name].as_str().unwrap().to_owned();
        Client { socket, id: text("connectionId"), token: text("reconnectionToken") }
    }

    fn recover(&self, world: &mut World) -> Vec<Event> {
        let query = format!("awps_connection_id={}&awps_reconnection_token={}", self.id, self.token);
        let socket = world.upgrade(&format!("/client/hubs/chat?{query}"), RELIABLE).unwrap();
        world.seen(socket)
    }
}

fn send(world: &mut World, group: &str, data: &str) {
    let path = format!("/api/hubs/chat/groups/{group}/:send");
    assert_eq!(world.post(&path, "text/plain", data.as_bytes()).status, 202);
}

fn connections(world: &World) -> usize {
    serde_json::to_value(world.service.inspect("chat")).unwrap()["connections"].as_array().unwrap().len()
}

/// The code and reason with which a socket was closed, if it was.
fn closed(world: &mut World, socket: SocketId) -> Option<(u16, String)> {
    world.seen(socket).into_iter().find_map(|event| match event {
        Event::Closed(code, reason) => Some((code, reason)),
        _ => None,
    })
}

#[test]
fn a_client_that_acknowledges_nothing_is_closed_when_the_budget_is_exceeded() {
    let mut world = world(8);
    let clients: Vec<Client> = (0..3).map(|n| Client::connect(&mut world, &format!("u{n}"))).collect();
    send(&mut world, "u0", &large());
    for _ in 0..5 {
        send(&mut world, "u1", &large());
    }
    send(&mut world, "u2", "small");
    assert_eq!(connections(&world), 3, "all fits");
    for _ in 0..3 {
        send(&mut world, "u2", &large());
    }
    let full = Some((1008, "The reliable message buffer is full.".to_owned()));
    let ends: Vec<_> = clients.iter().map(|client| closed(&mut world, client.socket)).collect();
    assert_eq!(ends, [None, full, None], "the client for which the most was retained is closed");
    assert!(matches!(clients[1].recover(&mut world)[1..], [Event::Closed(1008, _)]));
    let log = world.log.join("\n");
    assert!(log.contains("The emulator retains "), "{log}");
    assert!(log.contains("of at most 8388608 (unacknowledged messages: "), "{log}");
    let line = format!("client {} (user u1) was closed: 1008 The reliable message buffer is full.", clients[1].id);
    assert!(log.contains(&line), "{log}");
}

#[test]
fn lost_connections_are_given_up_first_and_in_the_order_in_which_they_were_lost() {
    let mut world = world(8);
    let clients: Vec<Client> = (0..4).map(|n| Client::connect(&mut world, &format!("u{n}"))).collect();
    for (client, name) in [(&clients[1], "u1"), (&clients[0], "u0")] {
        send(&mut world, name, &large());
        send(&mut world, name, &large());
        world.pass(1000);
        world.close(client.socket, 1006);
    }
    for _ in 0..5 {
        send(&mut world, "u2", &large());
    }
    assert_eq!(connections(&world), 3, "the connection that was lost first is gone");
    assert!(matches!(clients[1].recover(&mut world)[1..], [Event::Closed(1008, _)]));
    let line = format!("client {} (user u1) cannot recover any more: it was given up to free memory", clients[1].id);
    assert!(world.log.contains(&line), "{:?}", world.log);
    assert_eq!(clients[0].recover(&mut world).len(), 3, "the other one has its messages");
    assert_eq!(closed(&mut world, clients[2].socket), None);
}

#[test]
fn a_message_to_many_connections_counts_once() {
    let mut world = world(8);
    let clients: Vec<Client> = (0..40).map(|n| Client::connect(&mut world, &format!("u{n}"))).collect();
    for client in &clients[20..] {
        world.close(client.socket, 1006);
    }
    for _ in 0..6 {
        send(&mut world, "all", &large());
    }
    assert_eq!(connections(&world), 40);
}

#[test]
fn acknowledged_messages_and_connections_that_are_gone_free_the_budget() {
    let mut world = world(8);
    for round in 0..20 {
        let client = Client::connect(&mut world, "u");
        for sequence_id in 1..=5 {
            send(&mut world, "u", &large());
            if round % 2 == 0 {
                world.send(client.socket, json!({ "type": "sequenceAck", "sequenceId": sequence_id }));
            }
        }
        assert_eq!(closed(&mut world, client.socket), None);
        world.close(client.socket, 1000);
    }
    assert!(!world.log.iter().any(|line| line.contains("retains")), "{:?}", world.log);
}

#[test]
fn the_groups_of_lost_connections_count() {
    let mut world = world(1);
    for n in 0..60 {
        let client = Client::connect(&mut world, &format!("u{n}"));
        for group in 0..50 {
            let group = format!("{group}{}", "g".repeat(1000));
            world.send(client.socket, json!({ "type": "joinGroup", "group": group }));
        }
        world.close(client.socket, 1006);
    }
    assert!(connections(&world) < 15, "{}", connections(&world));
}

#[test]
fn frames_that_a_delay_holds_back_count_both_ways() {
    for direction in ["fromClient", "toClient"] {
        let mut world = world(8);
        let claims = json!({ "sub": "ann", "role": "webpubsub.sendToGroup", "webpubsub.group": "g" });
        let sockets = [(); 3].map(|()| world.connect(JSON, claims.clone()));
        world.break_it(json!({ "type": "delay", "ms": 60_000, "direction": direction }));
        for (socket, count) in sockets.into_iter().zip([1, 5, 3]) {
            world.seen(socket);
            for _ in 0..count {
                if direction == "fromClient" {
                    let frame = json!({ "type": "sendToGroup", "group": "g", "dataType": "text", "data": large() });
                    world.send(socket, frame);
                } else {
                    let id = connection_id(&world, socket, &sockets);
                    let path = format!("/api/hubs/chat/connections/{id}/:send");
                    assert_eq!(world.post(&path, "text/plain", large().as_bytes()).status, 202);
                }
            }
        }
        let slow = Some((1008, "The client reads too slowly.".to_owned()));
        let ends = sockets.map(|socket| closed(&mut world, socket));
        assert_eq!(ends, [None, slow, None], "{direction}");
    }
}

/// The id of the connection that was made as the one of `socket` was among `sockets`.
fn connection_id(world: &World, socket: SocketId, sockets: &[SocketId]) -> String {
    let at = sockets.iter().position(|other| *other == socket).unwrap();
    let snapshot: Value = serde_json::to_value(world.service.inspect("chat")).unwrap();
    snapshot["connections"][at]["connectionId"].as_str().unwrap().to_owned()
}

#[test]
fn a_frame_that_is_held_back_for_many_counts_once() {
    let mut world = world(8);
    let sockets = [(); 40].map(|()| world.connect(JSON, json!({})));
    world.break_it(json!({ "type": "delay", "ms": 60_000 }));
    for _ in 0..6 {
        world.post("/api/hubs/chat/:send", "text/plain", large().as_bytes());
    }
    assert_eq!(connections(&world), 40);
    world.pass(60_000);
    assert_eq!(world.seen(sockets[0]).len(), 8);
}

#[test]
fn acks_that_a_fault_holds_back_count() {
    let mut world = world(1);
    let client = world.connect(JSON, json!({ "role": "webpubsub.sendToGroup" }));
    let other = world.connect(JSON, json!({ "role": "webpubsub.sendToGroup" }));
    let join = |ack_id: usize| json!({ "type": "sendToGroup", "group": "g", "data": 1, "ackId": ack_id });
    world.break_it(json!({ "type": "pauseAcks" }));
    world.send(other, join(1));
    let fill = |world: &mut World| {
        let sockets = [(); 20].map(|()| world.connect(JSON, json!({ "role": "webpubsub.sendToGroup" })));
        for socket in sockets {
            (0..900).for_each(|ack_id| world.send(socket, join(ack_id)));
        }
    };
    fill(&mut world);
    assert!(connections(&world) < 15, "{}", connections(&world));
    assert_eq!((closed(&mut world, client), closed(&mut world, other)), (None, None), "the small ones stay");
}

#[test]
fn answers_that_a_fault_holds_back_are_given_when_the_budget_is_exceeded() {
    let mut world = world(1);
    world.break_it(json!({ "type": "delayAnswer", "ms": 60_000 }));
    let mut answered = 0;
    for id in 1_000_000..1_020_000 {
        let path = "/api/hubs/chat/users/nobody";
        let token = world.token(&format!("{}{path}", crate::world::ORIGIN), json!({}));
        let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        let url = format!("{}{path}", crate::world::ORIGIN);
        let request = Request { method: "HEAD".to_owned(), url, headers, body: vec![] };
        let actions = world.service.handle(world.now, Input::Request { id, request: &request });
        answered += actions.len();
    }
    assert!(answered > 9_000, "{answered}");
}

#[test]
fn pending_events_fail_when_the_budget_is_exceeded() {
    let mut world = world(8);
    world.service.answer_events("chat", true);
    let clients: Vec<Client> = (0..2).map(|n| Client::connect(&mut world, &format!("u{n}"))).collect();
    let event = |ack_id: u64| json!({ "type": "event", "event": "e", "ackId": ack_id, "data": large() });
    world.send(clients[0].socket, event(1));
    for ack_id in 1..=8 {
        world.send(clients[1].socket, event(ack_id));
    }
    let acks = world.frames(clients[1].socket);
    assert_eq!(acks.len(), 8);
    for ack in acks {
        let error = json!({ "name": "InternalServerError", "message": "Too many bytes wait for the event handler." });
        assert_eq!((&ack["success"], &ack["error"]), (&json!(false), &error));
    }
    assert_eq!(world.events_over.len(), 8, "the handler learns that nobody waits");
    assert_eq!(world.frames(clients[0].socket), Vec::<Value>::new(), "the other event still waits");
    world.answer_to(world.events[0].id, EventReply::Done(None));
    assert_eq!(world.frames(clients[0].socket)[0]["success"], true);
    let line = format!("client {} (user u1): its pending events failed to free memory", clients[1].id);
    assert!(world.log.contains(&line), "{:?}", world.log);
}

#[test]
fn the_service_goes_on_after_each_attack() {
    let mut world = world(4);
    world.service.answer_events("chat", true);
    world.break_it(json!({ "type": "delay", "ms": 1000, "direction": "fromClient", "share": 0.5 }));
    for n in 0..100 {
        let client = Client::connect(&mut world, &format!("u{}", n % 7));
        world.send(client.socket, json!({ "type": "event", "event": "e", "ackId": 1, "data": large() }));
        send(&mut world, "all", &large());
        if n % 3 == 0 {
            world.close(client.socket, 1006);
        }
        world.pass(100);
    }
    world.clear_faults();
    world.pass(1000);
    let client = Client::connect(&mut world, "last");
    send(&mut world, "last", "hello");
    assert_eq!(world.frames(client.socket)[0]["data"], "hello");
    assert_eq!(body(&world.rest("GET", "/_emulator"))["hubs"][0]["hub"], "chat");
}
