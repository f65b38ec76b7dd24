//! The bodies of the service's errors, in the two shapes that were recorded from it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::Response;

/// An error as the service writes most of them.
pub(crate) fn error(status: u16, code: &str, message: &str, target: &str) -> Response {
    let body = ErrorBody { code, message, target, details: None, inner: None };
    json(status, "application/json; charset=utf-8", &body).with("x-ms-error-code", code)
}

/// A bad argument of a request, in the first of the two shapes.
pub(crate) fn bad_request(message: &str) -> Response {
    error(400, "Error.BadRequest", message, "Request")
}

/// A query parameter that does not validate: the second shape, which ASP.NET calls a problem.
pub(crate) fn bad_parameter(name: &str, message: &str) -> Response {
    problem("application/problem+json; charset=utf-8", name, message)
}

/// A query parameter that is none of the values it may be: a problem too, though it was recorded under the plain type.
pub(crate) fn bad_value(name: &str, value: &str) -> Response {
    problem("application/json; charset=utf-8", name, &format!("The value '{value}' is not valid."))
}

/// Nothing is served at this path.
pub(crate) fn not_found() -> Response {
    error(404, "Error.NotFound", "Nothing is served at this path.", "Request")
}

/// The path is served, but not with this method.
pub(crate) fn method_not_allowed(allowed: &[&str]) -> Response {
    let allowed = allowed.join(", ");
    let message = format!("This path takes {allowed} only.");
    error(405, "Error.MethodNotAllowed", &message, "Request").with("allow", allowed)
}

/// The body is of a type that is not taken.
pub(crate) fn unsupported_media_type(taken: &str) -> Response {
    let message = format!("The content type must be {taken}.");
    error(415, "Error.UnsupportedMediaType", &message, "Request")
}

/// A success with a JSON body.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    json(200, "application/json; charset=utf-8", body)
}

fn problem(content_type: &str, name: &str, message: &str) -> Response {
    let errors = Map::from_iter([(name.to_owned(), Value::from(vec![message]))]);
    let body = ProblemBody {
        code: "Error.BadRequest",
        message,
        target: name,
        errors,
        r#type: None,
        title: "One or more validation errors occurred.",
        status: 400,
        detail: None,
        instance: None,
        extensions: Map::new(),
    };
    json(400, content_type, &body).with("x-ms-error-code", body.code)
}

fn json(status: u16, content_type: &str, body: &impl Serialize) -> Response {
    // Plain structures with string keys always serialise.
    Response::json(status, content_type, serde_json::to_string(body).unwrap_or_default())
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    target: &'a str,
    // The service writes both as null.
    details: Option<&'a str>,
    inner: Option<&'a str>,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    code: &'a str,
    message: &'a str,
    target: &'a str,
    errors: Map<String, Value>,
    r#type: Option<&'a str>,
    title: &'a str,
    status: u16,
    detail: Option<&'a str>,
    instance: Option<&'a str>,
    extensions: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_recorded_length() {
        let message = "Invalid group name. Valid group name should be in between 1 and 1024 characters long.";
        let response = bad_request(message);
        assert_eq!(response.body.len(), 172);
        assert!(response.headers.contains(&("content-length", "172".to_owned())));
        assert!(response.headers.contains(&("x-ms-error-code", "Error.BadRequest".to_owned())));
    }

    #[test]
    fn a_problem_has_the_recorded_length() {
        let message = "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')";
        assert_eq!(bad_parameter("filter", message).body.len(), 416);
    }
}
