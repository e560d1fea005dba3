//! The Markdown that a measurement ends in.

use super::lists::{List, ListFigures};
use super::machine::Machine;
use super::rows::Row;
use std::collections::BTreeMap;
use std::time::Duration;

/// A row of many small requests.
#[derive(Debug)]
pub(super) struct Figures {
    /// Requests per second.
    pub(super) rate: f64,
    pub(super) median: Duration,
    pub(super) p99: Duration,
    /// Bytes.
    pub(super) peak_memory: Option<u64>,
}

/// A row of one large body.
#[derive(Debug)]
pub(super) struct StreamFigures {
    pub(super) bytes_per_second: f64,
    /// The time of one transfer.
    pub(super) each: Duration,
    /// Bytes.
    pub(super) peak_memory: Option<u64>,
    /// What the peak lies above the memory before, in bytes.
    pub(super) growth: Option<u64>,
}

/// A start with a number of app folders.
#[derive(Debug)]
pub(super) struct StartFigures {
    pub(super) apps: usize,
    pub(super) first_answer: Duration,
    /// Resident bytes some seconds later, with nothing to do.
    pub(super) idle_memory: Option<u64>,
}

/// Everything one run of the benchmark found.
#[derive(Debug)]
pub(super) struct Results {
    pub(super) machine: Machine,
    pub(super) seconds: u64,
    /// Instances in the store before the first row.
    pub(super) filled: u64,
    pub(super) requests: Vec<(Row, anyhow::Result<Figures>)>,
    pub(super) streams: Vec<(Row, anyhow::Result<StreamFigures>)>,
    pub(super) lists: Vec<(List, anyhow::Result<ListFigures>)>,
    pub(super) starts: Vec<StartFigures>,
    /// Operations per second of the store alone, by its name for the operation.
    pub(super) store: BTreeMap<String, f64>,
}

impl Results {
    /// The errors of the rows that could not be measured.
    pub(super) fn failures(&self) -> Vec<String> {
        let requests = self.requests.iter().map(|(row, outcome)| (row, outcome.as_ref().err()));
        let streams = self.streams.iter().map(|(row, outcome)| (row, outcome.as_ref().err()));
        let rows = requests.chain(streams).map(|(row, error)| (row.title(), error));
        let lists = self.lists.iter().map(|(list, outcome)| (list.title, outcome.as_ref().err()));
        rows.chain(lists).filter_map(|(title, error)| Some(format!("{title}: {:#}", error?))).collect()
    }

    pub(super) fn to_markdown(&self) -> String {
        let mut text = self.facts();
        if !self.requests.is_empty() {
            text += "\n| Request | Clients | Requests/s | p50 | p99 | Peak memory | Of `/health` | Of the store alone |\n\
                     |---|--:|--:|--:|--:|--:|--:|--:|\n";
            for (row, outcome) in &self.requests {
                text += &self.request_line(*row, outcome.as_ref().ok());
            }
        }
        if !self.lists.is_empty() {
            text += "\n| List | First pages/s | Page 1 000 on, pages/s | Deep of first |\n|---|--:|--:|--:|\n";
            for (list, outcome) in &self.lists {
                text += &list_line(*list, outcome.as_ref().ok());
            }
        }
        if !self.streams.is_empty() {
            text += "\n| Stream | MB/s | Time | Peak memory | Growth |\n|---|--:|--:|--:|--:|\n";
            for (row, outcome) in &self.streams {
                text += &stream_line(*row, outcome.as_ref().ok());
            }
        }
        if !self.starts.is_empty() {
            text += "\n| App folders | From start to first answer | Idle memory |\n|--:|--:|--:|\n";
            for start in &self.starts {
                let memory = or_dash(start.idle_memory, megabytes);
                text += &format!("| {} | {} | {memory} |\n", start.apps, time(start.first_answer));
            }
        }
        text
    }

    fn facts(&self) -> String {
        let Machine { cores, processor, memory_gib, kernel, disk_sync, commit } = &self.machine;
        format!(
            "Commit {commit}. {cores} cores ({processor}), {memory_gib:.0} GiB, Linux {kernel}, disk sync {}. \
             {} s per row, closed loop over loopback, load generator on the same cores, {} instances in the store \
             beforehand.\n",
            time(*disk_sync),
            self.seconds,
            grouped(self.filled as f64),
        )
    }

    fn request_line(&self, row: Row, figures: Option<&Figures>) -> String {
        let (title, clients) = (row.title(), row.clients());
        let Some(figures) = figures else { return format!("| {title} | {clients} | failed | | | | | |\n") };
        let health = self.requests.iter().find(|(row, _)| *row == Row::Health);
        let of_health = health.and_then(|(_, outcome)| outcome.as_ref().ok()).map(|health| figures.rate / health.rate);
        let of_store =
            row.store_operation().and_then(|operation| self.store.get(operation)).map(|rate| figures.rate / rate);
        format!(
            "| {title} | {clients} | {} | {} | {} | {} | {} | {} |\n",
            grouped(figures.rate),
            time(figures.median),
            time(figures.p99),
            or_dash(figures.peak_memory, megabytes),
            or_dash(of_health, percent),
            or_dash(of_store, percent),
        )
    }
}

fn list_line(list: List, figures: Option<&ListFigures>) -> String {
    let title = list.title;
    let Some(ListFigures { first, deep }) = figures else { return format!("| {title} | failed | | |\n") };
    format!("| {title} | {} | {} | {} |\n", grouped(*first), grouped(*deep), percent(deep / first))
}

fn stream_line(row: Row, figures: Option<&StreamFigures>) -> String {
    let title = row.title();
    let Some(figures) = figures else { return format!("| {title} | failed | | | |\n") };
    let memory = or_dash(figures.peak_memory, megabytes);
    let growth = or_dash(figures.growth, megabytes);
    format!(
        "| {title} | {} | {} | {memory} | {growth} |\n",
        grouped(figures.bytes_per_second / 1e6),
        time(figures.each)
    )
}

fn or_dash<T>(value: Option<T>, render: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), render)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

fn time(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..1_000.0 => format!("{micros:.0} µs"),
        ..10_000.0 => format!("{:.2} ms", micros / 1e3),
        ..1_000_000.0 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

/// A whole number with its thousands apart: `12 345`.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(rate: f64) -> Figures {
        let (median, p99) = (Duration::from_micros(180), Duration::from_millis(3));
        Figures { rate, median, p99, peak_memory: Some(48_000_000) }
    }

    fn results() -> Results {
        let machine = Machine {
            cores: 2,
            processor: "A processor".into(),
            memory_gib: 15.6,
            kernel: "6.1".into(),
            disk_sync: Duration::from_micros(240),
            commit: "abc1234".into(),
        };
        Results {
            machine,
            seconds: 5,
            filled: 1_000_000,
            requests: vec![
                (Row::Health, Ok(figures(100_000.0))),
                (Row::GetInstance, Ok(figures(35_000.0))),
                (Row::PutData, Err(anyhow::anyhow!("answered 409: locked"))),
            ],
            streams: vec![],
            lists: vec![],
            starts: vec![StartFigures { apps: 50, first_answer: Duration::from_millis(412), idle_memory: None }],
            store: BTreeMap::from([("get".to_owned(), 140_000.0)]),
        }
    }

    #[test]
    fn ratios_stand_beside_the_rate() {
        let text = results().to_markdown();
        assert!(text.contains("| `GET` instance | 64 | 35 000 | 180 µs | 3.00 ms | 48 MB | 35 % | 25 % |\n"), "{text}");
        assert!(text.contains("| 50 | 412 ms | – |\n"), "{text}");
        assert!(
            text.starts_with("Commit abc1234. 2 cores (A processor), 16 GiB, Linux 6.1, disk sync 240 µs."),
            "{text}"
        );
    }

    #[test]
    fn a_row_that_failed_is_named() {
        let results = results();
        assert!(results.to_markdown().contains("| `PUT` form data, 10 KB | 16 | failed |"));
        assert_eq!(results.failures(), ["`PUT` form data, 10 KB: answered 409: locked"]);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(["7", "1 000", "12 345 678"], [7.0, 1000.0, 12_345_678.0].map(grouped));
    }
}
