//! A line on the terminal that says how far a long command has come. Scripts see nothing of it.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often the line is written anew.
const INTERVAL: Duration = Duration::from_millis(100);
const WIDTH: u64 = 24;

/// The line. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Bar {
    is_shown: bool,
    what: &'static str,
    begun: Instant,
    written: Option<Instant>,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let is_shown = std::io::stderr().is_terminal();
        Self { is_shown, what: "", begun: Instant::now(), written: None }
    }

    /// Shows that `done` of `of` are done of this.
    pub(crate) fn show(&mut self, what: &'static str, done: u64, of: u64) {
        if !self.is_shown {
            return;
        }
        if what != self.what {
            (self.what, self.begun, self.written) = (what, Instant::now(), None);
        }
        if self.written.is_none_or(|written| written.elapsed() >= INTERVAL) {
            self.written = Some(Instant::now());
            // Nobody may be looking any more; that is no reason to stop.
            let _ = write!(std::io::stderr(), "\r{}\x1b[K", line(what, done, of, self.begun.elapsed()));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.written.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(what: &str, done: u64, of: u64, elapsed: Duration) -> String {
    let of = of.max(done).max(1);
    let full = usize::try_from(done * WIDTH / of).unwrap_or_default();
    let empty = WIDTH as usize - full;
    let mut line = format!("{what} [{}{}] {}% of {of}", "#".repeat(full), " ".repeat(empty), done * 100 / of);
    let seconds = elapsed.as_secs_f64();
    if done > 0 && seconds >= 1.0 {
        let rate = done as f64 / seconds;
        let left = (of - done) as f64 / rate;
        let _ = write!(line, ", {rate:.0} per second, {} left", span(left));
    }
    line
}

fn span(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_share_rate_and_time_left() {
        let after = |done, of, seconds| line("writing", done, of, Duration::from_secs(seconds));
        assert_eq!(after(0, 10, 0), format!("writing [{}] 0% of 10", " ".repeat(24)));
        assert_eq!(
            after(500, 1000, 10),
            format!("writing [{}{}] 50% of 1000, 50 per second, 10 s left", "#".repeat(12), " ".repeat(12))
        );
        assert!(after(1, 1000, 100).ends_with(", 27 h 45 min left"));
        assert!(after(1, 10, 10).ends_with(", 1 min 30 s left"));
        assert!(after(20, 10, 10).contains("100% of 20"), "there may be more than was thought");
    }
}
