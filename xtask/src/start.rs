//! `cargo xtask start`: from a fresh clone to a demo in the browser.

use std::io::{IsTerminal, Read, Write, stdout};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::build::worker::{self, Environment};
use crate::node::Node;
use crate::run::{clock, say, step};
use crate::{Result, files, guard};

mod log;
mod port;

use log::Log;

/// How the line begins in which the Worker prints the access key of its emulator (`emulator/src/local_key.rs`).
const KEY_LINE: &str = "Access key of the emulator: ";
/// Names the hub; `demo` where it is not set.
const HUB: &str = "AZURE_WEBPUBSUB_HUB";
/// How long the Worker may take to answer once wrangler runs.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn command(arguments: &[String]) -> Result {
    say("Preparing the demo: the first time takes minutes, later it takes seconds.");
    let port = match arguments {
        [] => port::free()?,
        [option, value] if option == "--port" => port::explicit(value)?,
        _ => return Err("start takes no argument but --port N".into()),
    };
    let hub = std::env::var(HUB).unwrap_or_else(|_| "demo".into());
    let node = Node::for_wrangler()?;
    node.install(".")?;
    worker::build(Environment::Local)?;

    let mut child = guard::spawn(&wrangler(&node, port, &hub), Stdio::piped)?;
    let log = Log::default();
    let status = thread::scope(|scope| {
        for output in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
            scope.spawn(|| log.follow(output));
        }
        let started = step("Starting the Worker", || {
            wait_until_it_answers(&mut child, port)?;
            log.wait_for(KEY_LINE)
        });
        let key = match started {
            Ok(key) => key,
            Err(failure) => {
                log.show();
                // The guard ends wrangler when its input closes.
                drop(child.stdin.take());
                child.wait()?;
                return Err(failure);
            }
        };
        log.discard();
        println!("{}", banner(&node, port, &hub, &key));
        // Not `child.wait()`, which would close the guard's input first.
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(200));
        }
    })?;
    if status.success() { Ok(()) } else { Err(format!("wrangler ended with {status}").into()) }
}

fn wrangler(node: &Node, port: u16, hub: &str) -> Command {
    let mut command = node.command();
    command
        .arg(files::root().join("node_modules/wrangler/bin/wrangler.js"))
        .args(["dev", "--env", "local", "--port", &port.to_string()])
        // Over whatever .dev.vars holds for another use of the Worker: the banner names this hub.
        .args(["--var", &format!("{HUB}:{hub}")])
        // Its debugger port is the next free one, so that two demos can run.
        .args(["--inspector-port", "0", "--show-interactive-dev-session=false"])
        // No look-up outside this machine, and no file outside the clone.
        .env("WRANGLER_SEND_METRICS", "false")
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("XDG_CONFIG_HOME", files::root().join(".wrangler/config"))
        // Its output is a pipe to us, so it cannot see whether ours is a terminal.
        .env(if stdout().is_terminal() { "FORCE_COLOR" } else { "NO_COLOR" }, "1");
    command
}

fn boxed(output: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(output)
}

/// Asks `/health` until it answers.
fn wait_until_it_answers(child: &mut Child, port: u16) -> Result {
    let started = Instant::now();
    loop {
        if is_healthy(port) {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("wrangler ended with {status} before the Worker answered").into());
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("the Worker did not answer /health within {} s", PATIENCE.as_secs()).into());
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = connect(port)?;
        // A request waits here while wrangler still builds.
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET /health HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let mut last = std::io::ErrorKind::AddrNotAvailable.into();
    for address in ("localhost", port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn banner(node: &Node, port: u16, hub: &str, key: &str) -> String {
    let seconds = clock().elapsed().as_secs_f64();
    let path = match node.folder() {
        Some(folder) => format!("\n           export PATH=\"{}:$PATH\"   # wrangler needs this Node", folder.display()),
        None => String::new(),
    };
    format!(
        r#"
  Ready after {seconds:.1} s. Open the demo in two tabs:

    demo                http://localhost:{port}/
    connection string   Endpoint=http://localhost:{port};AccessKey={key};Version=1.0;
    hub endpoint        http://localhost:{port}/api/hubs/{hub}
    client endpoint     ws://localhost:{port}/client/hubs/{hub}
    who is connected    curl -H "Authorization: Bearer {key}" "http://localhost:{port}/_emulator?hub={hub}"

  The access key is random. It stays the same until you delete .wrangler/state.

  A changed file in src/, worker/, emulator/, pkg/src/ or www/ is built and loaded by itself.
  Stop:    Ctrl-C
  Deploy:  see docs/worker-template.md{path}
           npx wrangler secret put AZURE_WEBPUBSUB_CONNECTION_STRING --env=""
           npx wrangler secret put SESSION_SECRET --env=""
           npx wrangler deploy --env=""
"#
    )
}
