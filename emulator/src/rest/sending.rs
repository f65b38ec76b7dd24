//! The four sends.

use serde_json::value::RawValue;
use webpubsub_edge::protocol::protobuf::is_any;

use super::{Call, Outcome, Refusal, Scope, connections, exclude, parameters};
use crate::answer;
use crate::http::{Request, Response};
use crate::hub::Hub;
use crate::limits::MAX_MESSAGE_BYTES;
use crate::message::{Data, Message, Sender};
use crate::metadata::Metadata;
use crate::turn::Turn;

/// Sends a message. 202 says that it was taken, not that anybody was there to receive it.
pub(super) fn send(hub: &mut Hub, turn: &mut Turn, scope: Scope, call: &Call<'_>) -> Outcome {
    // The service has no filter for one connection.
    let is_to_one = matches!(scope, Scope::Connection(_));
    let filter = if is_to_one { None } else { parameters::filter(call.query)? };
    let ttl_ms = parameters::ttl_ms(call.query)?;
    let mut receivers = connections(hub, &scope)?;
    let data = data(call.request)?;
    let metadata = Metadata::of(call.request).map_err(|problem| answer::bad_request(&format!("{problem}.")))?;
    // The service has `excluded` for all and for a group only.
    if matches!(scope, Scope::All | Scope::Group(_)) {
        exclude(hub, &mut receivers, call.query);
    }
    if let Some(filter) = filter {
        parameters::choose("filter", &filter, hub, &mut receivers)?;
    }
    turn.reached = Some(receivers.len());
    let from = match scope {
        Scope::Group(group) => Sender::Group { group, user_id: None },
        _ => Sender::Server,
    };
    hub.deliver(turn, &receivers, &Message { from, data, metadata, ttl_ms, stream: None });
    Ok(Response::empty(202))
}

fn data(request: &Request) -> Result<Data, Refusal> {
    check_size(request)?;
    let text = || std::str::from_utf8(&request.body).map_err(|_| answer::bad_request("The body is not UTF-8."));
    match request.media_type().as_deref() {
        Some("text/plain") => Ok(Data::Text(text()?.to_owned())),
        Some("application/json") => {
            let json = serde_json::from_str::<Box<RawValue>>(text()?);
            let not_json = |_| answer::bad_request("The body is not JSON, as its content type says.");
            Ok(Data::Json(json.map_err(not_json)?))
        }
        Some("application/octet-stream") => Ok(Data::Binary(request.body.clone())),
        Some("application/x-protobuf") if is_any(&request.body) => Ok(Data::Protobuf(request.body.clone())),
        Some("application/x-protobuf") => {
            Err(answer::bad_request("The body is not an encoded google.protobuf.Any.").into())
        }
        _ => Err(answer::unsupported_media_type(TAKEN).into()),
    }
}

const TAKEN: &str = "text/plain, application/json, application/octet-stream or application/x-protobuf";

/// Refuses a body that is larger than a message may be.
pub(super) fn check_size(request: &Request) -> Result<(), Refusal> {
    if request.body.len() > MAX_MESSAGE_BYTES {
        let message = "The body is larger than 1 MiB.";
        return Err(answer::error(413, "Error.RequestEntityTooLarge", message, "Request").into());
    }
    Ok(())
}
