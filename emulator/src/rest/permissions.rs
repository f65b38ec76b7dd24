//! Grants, revokes and checks what a connection may do with one group.

use super::existence::{Kind, not_existed};
use super::{Call, Outcome, Refusal, check_group, parameters};
use crate::answer;
use crate::http::Response;
use crate::hub::Hub;
use crate::permissions::{self, OverLimit};

pub(super) fn perform(hub: &mut Hub, permission: &str, connection: &str, call: &Call<'_>) -> Outcome {
    let Some(kind) = permissions::Kind::named(permission) else {
        return Err(parameters::not_one_of_its_values("permission", permission));
    };
    // There is no permission for all groups over REST: a missing name is refused like a bad one.
    let group = call.query.last("targetName").unwrap_or_default();
    check_group(group)?;
    let held = hub.by_id(connection).and_then(|key| hub.permissions_mut(key));
    match (call.request.method.as_str(), held) {
        ("DELETE", None) => Ok(Response::empty(204)),
        ("DELETE", Some(held)) => {
            held.revoke(kind, group).map_err(over_limit)?;
            Ok(Response::empty(204))
        }
        (_, None) => Err(not_existed("Info", Kind::Connection, connection).into()),
        ("PUT", Some(held)) => {
            held.grant(kind, group).map_err(over_limit)?;
            Ok(Response::empty(200))
        }
        (_, Some(held)) if held.may(kind, group) => Ok(Response::empty(200)),
        (_, Some(_)) => {
            // Nothing tells how the service words this: HEAD has no body, and no recording met it.
            let message = format!("Permission `{permission}` is not found.");
            Err(answer::error(404, "Info.Permission.NotExisted", &message, "Permission").into())
        }
    }
}

fn over_limit(_: OverLimit) -> Refusal {
    let message = "The connection has permissions for 1000 groups by name already, which is the limit.";
    answer::error(409, "Error.Conflict", message, "Request").into()
}
