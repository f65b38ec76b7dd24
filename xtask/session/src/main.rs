//! `xtask-session --sub ID [--group NAME]... [--broadcast] [--minutes N]`: prints a session token for the Worker.
//!
//! A program of its own, so that xtask itself depends on nothing and speaks at once. It runs in the repository's root.

mod dotenv;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use webpubsub_edge::names;
use webpubsub_edge::session::{MAX_LIFETIME_SECONDS, Session, SessionKey};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const SECRET: &str = "SESSION_SECRET";
const SECRETS_FILE: &str = ".dev.vars";
const DEFAULT_MINUTES: u64 = 60;

fn main() -> ExitCode {
    match token(env::args().skip(1)) {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cargo xtask session: {error}");
            ExitCode::FAILURE
        }
    }
}

fn token(arguments: impl Iterator<Item = String>) -> Result<String> {
    let (session, minutes) = request(arguments)?;
    let key = SessionKey::new(&secret()?)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(session.sign(&key, now + minutes * 60))
}

/// What the arguments ask for: the session, and for how many minutes.
fn request(mut arguments: impl Iterator<Item = String>) -> Result<(Session, u64)> {
    let mut session = Session::default();
    let mut minutes = DEFAULT_MINUTES;
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{option} needs a value"));
        match option.as_str() {
            "--sub" => session.user_id = value()?,
            "--group" => {
                let group = value()?;
                names::check_group(&group).map_err(|error| format!("--group {group:?}: {error}"))?;
                if group.contains('/') {
                    return Err(format!("--group {group:?}: the Worker refuses a group name with a slash").into());
                }
                session.groups.push(group);
            }
            "--broadcast" => session.broadcast = true,
            "--minutes" => minutes = lifetime(&value()?)?,
            other => return Err(format!("unknown option {other:?}: see `cargo xtask help`").into()),
        }
    }
    names::check_user_id(&session.user_id).map_err(|error| format!("--sub ID, the user id, is needed: {error}"))?;
    Ok((session, minutes))
}

fn lifetime(text: &str) -> Result<u64> {
    let longest = MAX_LIFETIME_SECONDS / 60;
    let minutes = text.parse().ok().filter(|minutes| (1..=longest).contains(minutes));
    minutes.ok_or_else(|| format!("--minutes {text:?}: give a whole number from 1 to {longest}").into())
}

fn secret() -> Result<String> {
    if let Ok(secret) = env::var(SECRET) {
        return Ok(secret);
    }
    let file = fs::read_to_string(SECRETS_FILE).unwrap_or_default();
    let secret = dotenv::setting(&file, SECRET).ok_or_else(|| {
        format!(
            "{SECRET} is neither in the environment nor in {SECRETS_FILE}: give it the secret that the Worker has, \
             for example by adding a line {SECRET}=... to {SECRETS_FILE}"
        )
    })?;
    as_the_worker_has_it(secret)
}

/// wrangler puts the values of other settings in the place of `$NAME`.
fn as_the_worker_has_it(secret: String) -> Result<String> {
    if secret.contains('$') {
        let problem = "holds a $, which wrangler may replace: choose a secret without one";
        return Err(format!("{SECRET} in {SECRETS_FILE} {problem}").into());
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(arguments: &[&str]) -> Result<(Session, u64)> {
        request(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn options_become_a_session() -> Result<()> {
        let (session, minutes) =
            ask(&["--sub", "ann", "--group", "a", "--group", "b c", "--broadcast", "--minutes", "5"])?;
        assert_eq!((session.user_id.as_str(), session.broadcast, minutes), ("ann", true, 5));
        assert_eq!(session.groups, ["a", "b c"]);
        let (session, minutes) = ask(&["--sub", "ann"])?;
        assert_eq!((session.groups.len(), session.broadcast, minutes), (0, false, 60));
        Ok(())
    }

    #[test]
    fn a_secret_that_wrangler_would_change_is_refused() {
        assert!(as_the_worker_has_it("0123456789$NAME".to_owned()).is_err());
        assert!(as_the_worker_has_it("0123456789".to_owned()).is_ok());
    }

    #[test]
    fn what_the_worker_would_refuse_is_not_signed() {
        let wrong: [&[&str]; 9] = [
            &[],
            &["--sub"],
            &["--sub", ""],
            &["--sub", "ann", "--group", ""],
            &["--sub", "ann", "--group", "a/b"],
            &["--sub", "ann", "--minutes", "0"],
            &["--sub", "ann", "--minutes", "1441"],
            &["--sub", "ann", "--minutes", "1.5"],
            &["--sub", "ann", "--admin"],
        ];
        for arguments in wrong {
            assert!(ask(arguments).is_err(), "{arguments:?}");
        }
    }
}
