//! The four sends.

use webpubsub_edge::protocol::{DataMessage, Payload, Sender};

use super::{Call, Outcome, Refusal, Scope, connections, exclude, parameters};
use crate::answer;
use crate::http::{Request, Response};
use crate::hub::Hub;
use crate::limits::MAX_MESSAGE_BYTES;
use crate::message::Outgoing;
use crate::metadata;
use crate::turn::Turn;

/// Sends a message. 202 says that it was taken, not that anybody was there to receive it.
pub(super) fn send(hub: &mut Hub, turn: &mut Turn, scope: Scope, call: &Call<'_>) -> Outcome {
    // The service has no filter for one connection.
    let is_to_one = matches!(scope, Scope::Connection(_));
    let filter = if is_to_one { None } else { parameters::filter(call.query)? };
    let ttl_ms = parameters::ttl_ms(call.query)?;
    let mut receivers = connections(hub, &scope)?;
    let payload = payload(call.request)?;
    let metadata = metadata::of_headers(call.request).map_err(|problem| answer::bad_request(&format!("{problem}.")))?;
    // The service has `excluded` for all and for a group only.
    if matches!(scope, Scope::All | Scope::Group(_)) {
        exclude(hub, &mut receivers, call.query);
    }
    if let Some(filter) = filter {
        parameters::choose("filter", &filter, hub, &mut receivers)?;
    }
    turn.reached = Some(receivers.len());
    let from = match scope {
        Scope::Group(group) => Sender::Group { group: group.into(), user_id: None },
        _ => Sender::Server,
    };
    let message = DataMessage { from, payload, metadata, stream: None, sequence_id: None };
    hub.deliver(turn, &receivers, &Outgoing { message, ttl_ms });
    Ok(Response::empty(202))
}

fn payload(request: &Request) -> Result<Payload<'_>, Refusal> {
    check_size(request)?;
    let bytes = request.body.as_slice();
    let text = || std::str::from_utf8(bytes).map_err(|_| answer::bad_request("The body is not UTF-8."));
    let payload = match request.media_type().as_deref() {
        Some("text/plain") => Payload::Text(text()?.into()),
        Some("application/json") => Payload::Json(text()?.trim_matches(JSON_BLANKS).into()),
        Some("application/octet-stream") => Payload::Binary(bytes.into()),
        Some("application/x-protobuf") => Payload::Protobuf(bytes.into()),
        _ => return Err(answer::unsupported_media_type(TAKEN).into()),
    };
    let mismatch = |problem| answer::bad_request(&format!("The body is not what its content type says. {problem}"));
    payload.check().map_err(mismatch)?;
    Ok(payload)
}

const JSON_BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

const TAKEN: &str = "text/plain, application/json, application/octet-stream or application/x-protobuf";

/// Refuses a body that is larger than a message may be.
pub(super) fn check_size(request: &Request) -> Result<(), Refusal> {
    if request.body.len() > MAX_MESSAGE_BYTES {
        let message = "The body is larger than 1 MiB.";
        return Err(answer::error(413, "Error.RequestEntityTooLarge", message, "Request").into());
    }
    Ok(())
}
