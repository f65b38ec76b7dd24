//! The client's session against the service's state machine, over a network that does its worst.
//!
//! Each seed is a schedule: sends, joins, streams, invocations, states, over JSON or protobuf, and cuts, half-open and
//! slow sockets, sleep, hidden pages, hosts offline or without a URL, clocks that jump, restarts, stops. Whatever
//! happens, what `world` and `client` check must hold. A schedule that fails is shortened until each step that is left
//! matters, and printed with its seed.
//!
//! `cargo test` tries the first 20 000 seeds, `cargo xtask soak` new ones for as long as asked; `SOAK_SEED` (its
//! `--seed`) repeats one.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod client;
mod frames;
#[allow(dead_code)]
#[path = "../../../tests/soak/random.rs"]
mod random;
mod schedule;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use client::Counts;
use schedule::Schedule;
use world::World;

const SEEDS: u64 = 20_000;

#[test]
fn whatever_happens_nothing_is_lost_and_everything_ends() {
    let variable = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    if let Some(seed) = variable("SOAK_SEED") {
        check(seed);
        return;
    }
    let (first, until, count) = match variable("SOAK_SECONDS") {
        None => (0, None, SEEDS),
        Some(seconds) => {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            (since.as_secs() << 24, Some(Instant::now() + Duration::from_secs(seconds)), u64::MAX)
        }
    };
    let (next, done) = (AtomicU64::new(0), Mutex::new((0u64, Counts::default())));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while until.is_none_or(|until| Instant::now() < until) {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= count {
                        break;
                    }
                    let counts = check(first + nth);
                    let mut done = done.lock().unwrap();
                    *done = (done.0 + 1, done.1 + counts);
                }
            });
        }
    });
    let (schedules, Counts { recovered, gaps, noticed, views, delivered, parts, accepted }) =
        done.into_inner().unwrap();
    println!(
        "client session: {schedules} schedules from seed {first}: {recovered} recoveries, {gaps} new connections told \
         with a gap, {noticed} dead sockets noticed, {views} views of states compared, {delivered} messages and {parts} \
         parts of streams delivered, {accepted} sends and events done"
    );
    // A soak may be too short for all of it. Schedules in which nothing happens would pass every check.
    if schedules >= SEEDS {
        let counts = [recovered, gaps, noticed, views, delivered, parts, accepted];
        assert!(counts.iter().all(|count| *count > 0), "something never happened: {counts:?}");
    }
}

fn check(seed: u64) -> Counts {
    let schedule = Schedule::new(seed);
    let failure = match World::new(&schedule).run() {
        Ok(counts) => return counts,
        Err(failure) => failure,
    };
    let (schedule, failure) = shrink(schedule, failure);
    panic!("{failure}\nseed {seed}, which `cargo xtask soak --seed {seed}` repeats, shortened to:\n{schedule}");
}

/// Leaves out steps, many at a time at first, as long as it still fails.
fn shrink(mut schedule: Schedule, mut failure: String) -> (Schedule, String) {
    let mut size = schedule.steps.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < schedule.steps.len() {
            let mut shorter = schedule.clone();
            shorter.steps.drain(from..(from + size).min(shorter.steps.len()));
            match World::new(&shorter).run() {
                Err(same_or_other) => (schedule, failure) = (shorter, same_or_other),
                Ok(_) => from += size,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    (schedule, failure)
}
