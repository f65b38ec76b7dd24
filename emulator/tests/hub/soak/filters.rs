//! The filters that the core builds choose whom they should, whatever the names in them.

use serde_json::json;
use webpubsub_edge::filter::{Filter, connection_id, group_count, in_group, null, user_id};
use webpubsub_edge::names::push_query_value;

use crate::random::{Random, soak};
use crate::world::{Event, JSON, World};

/// A connection, as a filter sees it.
struct Client {
    id: String,
    user: Option<String>,
    groups: Vec<String>,
}

#[test]
fn a_built_filter_chooses_whom_it_should() {
    soak("filter builder", |random| {
        let mut world = World::new();
        let groups = [random.name() + "1", random.name() + "2"];
        let mut clients = Vec::new();
        for _ in 0..3 {
            let user = (!random.one_in(4)).then(|| random.name());
            // The service takes no blank group, nor one longer than any here.
            let groups: Vec<String> = groups.iter().filter(|_| random.one_in(2)).cloned().collect();
            let mut claims = json!({ "webpubsub.group": groups });
            if let Some(user) = &user {
                claims["sub"] = json!(user);
            }
            let socket = world.connect(JSON, claims);
            let id = world.connection_id(socket);
            clients.push((socket, Client { id, user, groups }));
        }
        let (filter, chooses) = condition(random, &clients, &groups, 3);
        let mut path = String::from("/api/hubs/chat/:send?api-version=2024-12-01&filter=");
        push_query_value(&mut path, filter.as_str());
        let answer = world.post(&path, "text/plain", b"x");
        assert_eq!(answer.status, 202, "{filter}: {}", String::from_utf8_lossy(&answer.body));
        for (socket, client) in &clients {
            let has_it = world.seen(*socket).iter().any(|event| matches!(event, Event::Text(_)));
            assert_eq!(has_it, chooses(client), "{filter} for {:?} in {:?}", client.user, client.groups);
        }
    });
}

type Chooses = Box<dyn Fn(&Client) -> bool>;

/// A filter, and whom it should choose.
fn condition(random: &mut Random, clients: &[(u64, Client)], groups: &[String; 2], depth: usize) -> (Filter, Chooses) {
    let of_any = |random: &mut Random| {
        let (_, client) = &clients[random.below(clients.len())];
        client.user.clone().unwrap_or_else(|| random.name())
    };
    let text = of_any(random);
    let group = groups[random.below(2)].clone();
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0 => (user_id().eq(text.as_str()), Box::new(move |client| client.user.as_ref() == Some(&text))),
        1 => (user_id().ne(text.as_str()), Box::new(move |client| client.user.as_ref() != Some(&text))),
        2 => (user_id().eq(null()), Box::new(|client| client.user.is_none())),
        3 => (in_group(&group), Box::new(move |client| client.groups.contains(&group))),
        4 => {
            let id = clients[random.below(clients.len())].1.id.clone();
            (connection_id().eq(id.as_str()), Box::new(move |client| client.id == id))
        }
        5 => {
            let others = [text, random.name()];
            let list = others.each_ref().map(String::as_str);
            (
                user_id().is_in(&list),
                Box::new(move |client| client.user.as_ref().is_some_and(|user| others.contains(user))),
            )
        }
        6 => {
            let count = random.below(3) as i64;
            (group_count().gt(count), Box::new(move |client| client.groups.len() as i64 > count))
        }
        7 => {
            let (filter, chooses) = condition(random, clients, groups, depth - 1);
            (filter.not(), Box::new(move |client| !chooses(client)))
        }
        kind => {
            let (one, chooses_one) = condition(random, clients, groups, depth - 1);
            let (other, chooses_other) = condition(random, clients, groups, depth - 1);
            if kind == 8 {
                (one.and(other), Box::new(move |client| chooses_one(client) && chooses_other(client)))
            } else {
                (one.or(other), Box::new(move |client| chooses_one(client) || chooses_other(client)))
            }
        }
    }
}
