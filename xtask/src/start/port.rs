//! The port of the demo.

use std::io::ErrorKind;
use std::net::TcpListener;

use crate::Result;
use crate::run::say;

const DEFAULT: u16 = 8787;

/// The default port, or the next one that is free; it says so when that is another.
pub fn free() -> Result<u16> {
    let port = free_from(DEFAULT)?;
    if port != DEFAULT {
        say(&format!("Port {DEFAULT} is in use, perhaps by another demo: this one takes {port}."));
    }
    Ok(port)
}

/// The port that somebody asked for, if it can be had.
pub fn explicit(text: &str) -> Result<u16> {
    let Some(port) = text.parse().ok().filter(|port| *port != 0) else {
        return Err(format!("\"{text}\" is no port: give a number from 1 to 65535").into());
    };
    obstacle(port).map_or(Ok(port), |kind| Err(explain(port, kind).into()))
}

fn free_from(first: u16) -> Result<u16> {
    let free = (first..=u16::MAX).take(100).find(|port| obstacle(*port).is_none());
    free.ok_or_else(|| format!("no port from {first} on is free: choose one with --port N").into())
}

fn explain(port: u16, kind: ErrorKind) -> String {
    match kind {
        ErrorKind::PermissionDenied => {
            format!("the system does not let you listen on port {port}: choose one from 1024 on with --port")
        }
        _ => format!("port {port} is in use: stop what uses it, or choose another with --port"),
    }
}

/// What keeps the demo from either loopback address. That a machine has no IPv6 is no obstacle.
fn obstacle(port: u16) -> Option<ErrorKind> {
    let failure = |host: &str| TcpListener::bind((host, port)).err().map(|error| error.kind());
    let obstacles = [ErrorKind::AddrInUse, ErrorKind::PermissionDenied];
    ["127.0.0.1", "::1"].into_iter().filter_map(failure).find(|kind| obstacles.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_refused_or_passed_over() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let refusal = explicit(&port.to_string()).unwrap_err().to_string();
        assert_eq!(refusal, format!("port {port} is in use: stop what uses it, or choose another with --port"));
        assert_ne!(free_from(port).unwrap(), port);
    }

    #[test]
    fn a_port_that_is_not_allowed_is_not_called_in_use() {
        let refusal = explain(80, ErrorKind::PermissionDenied);
        assert_eq!(refusal, "the system does not let you listen on port 80: choose one from 1024 on with --port");
    }

    #[test]
    fn a_word_is_no_port() {
        for text in ["", "0", "-1", "65536", "http"] {
            assert!(explicit(text).unwrap_err().to_string().contains("is no port"), "{text}");
        }
    }
}
