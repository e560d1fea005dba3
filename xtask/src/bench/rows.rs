//! The rows of the table: what each one sends, and how it is measured.

use super::client::Client;
use super::load::{self, Requests, Reuse};
use super::report::{Figures, StreamFigures};
use super::server::Server;
use super::world::{Instance, ROWS_OF_TEN_KILOBYTES, World};
use anyhow::Context as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Row {
    Health,
    GetInstance,
    #[value(name = "post-instance-16")]
    PostInstance16,
    #[value(name = "post-instance-64")]
    PostInstance64,
    PutData,
    ProcessNext,
    Page,
    /// Lists of many kinds; only with `--fill 1000000` or more.
    Lists,
    Upload,
    Download,
    Start,
}

impl Row {
    /// The rows that are many small requests, in the order of the table.
    pub(super) const REQUESTS: [Self; 7] = [
        Self::Health,
        Self::GetInstance,
        Self::PostInstance16,
        Self::PostInstance64,
        Self::PutData,
        Self::ProcessNext,
        Self::Page,
    ];
    /// The rows that are one large body.
    pub(super) const STREAMS: [Self; 2] = [Self::Upload, Self::Download];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Health => "`GET /health`",
            Self::GetInstance => "`GET` instance",
            Self::PostInstance16 | Self::PostInstance64 => "`POST` instance",
            Self::PutData => "`PUT` form data, 10 KB",
            Self::ProcessNext => "`PUT` process/next, small form",
            Self::Page => "`GET` list, page of 100 of app + task + active",
            Self::Lists => "lists",
            Self::Upload => "upload, 200 MiB",
            Self::Download => "download, 200 MiB",
            Self::Start => "start",
        }
    }

    pub(super) fn clients(self) -> usize {
        match self {
            // As many as it takes to keep two cores busy with requests this small.
            Self::Health | Self::GetInstance | Self::PostInstance64 => 64,
            Self::Upload | Self::Download | Self::Start => 1,
            _ => 16,
        }
    }

    /// The name of the same operation on the store alone, in what `mottak bench-store` prints.
    pub(super) fn store_operation(self) -> Option<&'static str> {
        match self {
            Self::GetInstance => Some("get"),
            Self::PostInstance16 => Some("create16"),
            Self::PostInstance64 => Some("create64"),
            Self::PutData => Some("put16"),
            Self::Page => Some("page100"),
            Self::Health | Self::ProcessNext | Self::Lists | Self::Upload | Self::Download | Self::Start => None,
        }
    }

    fn expected(self) -> &'static [u16] {
        match self {
            Self::PostInstance16 | Self::PostInstance64 => &[201],
            // 200 when the app's rules changed a field, 201 when they did not.
            Self::PutData => &[200, 201],
            _ => &[200],
        }
    }

    async fn requests(self, world: &World, seconds: u64) -> anyhow::Result<Requests> {
        let bytes = match self {
            Self::GetInstance => {
                let instances = world.make_instances(1000).await?;
                instances.iter().map(|instance| world.as_user("GET", &instance.path())).collect()
            }
            Self::PostInstance16 | Self::PostInstance64 => vec![world.create_request()],
            Self::PutData => {
                let instances = world.make_instances(256).await?;
                // Two contents in turn, so that every request changes something.
                let with_name = |name| {
                    instances.iter().map(move |instance| world.put_form_request(instance, name, ROWS_OF_TEN_KILOBYTES))
                };
                with_name("Kari").chain(with_name("Ola")).collect()
            }
            Self::ProcessNext => {
                // Each instance can take the step once: enough of them for a server faster than the target.
                let instances =
                    world.make_instances(usize::try_from(seconds)?.saturating_mul(5000).min(30_000)).await?;
                world.fill_in(&instances).await?;
                let next = |path| world.as_user("PUT", &format!("{path}/process/next"));
                instances.iter().map(|instance| next(instance.path())).collect()
            }
            Self::Page => world.page_requests(50).await?,
            Self::Health | Self::Lists | Self::Upload | Self::Download | Self::Start => {
                vec![world.as_user("GET", "/health")]
            }
        };
        let reuse = if self == Self::ProcessNext { Reuse::Once } else { Reuse::Cycle };
        Ok(Requests::new(bytes, reuse))
    }
}

/// Measures one row of small requests for some seconds, after a second of warming up.
pub(super) async fn measure(row: Row, server: &Server, world: &World, seconds: u64) -> anyhow::Result<Figures> {
    let requests = Arc::new(row.requests(world, seconds).await.context("preparing")?);
    if row != Row::ProcessNext {
        load::run(server.address, row.clients(), Duration::from_secs(1), &requests, row.expected()).await?;
    }
    server.reset_peak_memory();
    let duration = Duration::from_secs(seconds);
    let measured = load::run(server.address, row.clients(), duration, &requests, row.expected()).await?;
    Ok(Figures {
        rate: measured.rate(),
        median: measured.latencies.percentile(0.5),
        p99: measured.latencies.percentile(0.99),
        peak_memory: server.peak_memory(),
    })
}

const BLOCK_BYTES: usize = 256 * 1024;
const BLOCKS: usize = 800;
const STREAM_BYTES: u64 = (BLOCK_BYTES * BLOCKS) as u64;
const TRANSFERS: u32 = 3;

/// Uploads 200 MiB as a stream, a few times.
pub(super) async fn measure_upload(server: &Server, world: &World) -> anyhow::Result<StreamFigures> {
    let instance = world.make_instance().await?;
    timed(server, async || upload(world, &instance).await).await
}

/// Downloads what was uploaded, a few times, as a stream.
pub(super) async fn measure_download(server: &Server, world: &World) -> anyhow::Result<StreamFigures> {
    let instance = world.make_instance().await?;
    upload(world, &instance).await.context("preparing")?;
    let element = world.element(&instance, "attachment").await?;
    let request = world.as_user("GET", &format!("{}/data/{element}", instance.path()));
    timed(server, async || {
        let mut client = Client::connect(world.address).await?;
        client.send(&request).await?;
        let length = client.discard_answer(&[200]).await?;
        anyhow::ensure!(length == STREAM_BYTES, "{length} bytes came back of {STREAM_BYTES}");
        Ok(())
    })
    .await
}

async fn upload(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let headers = "content-type: application/octet-stream\r\ncontent-disposition: attachment; filename=large.bin\r\n";
    let path = format!("{}/data/type/attachment", instance.path());
    let mut client = Client::connect(world.address).await?;
    client.send(&world.head_as_user("POST", &path, headers, STREAM_BYTES)).await?;
    let block = noise();
    for _ in 0..BLOCKS {
        if let Err(error) = client.send(&block).await {
            // A server that refuses early answers before it closes.
            return Err(client.discard_answer(&[200]).await.err().unwrap_or(error));
        }
    }
    client.discard_answer(&[200]).await?;
    Ok(())
}

async fn timed(server: &Server, transfer: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<StreamFigures> {
    let before = server.resident_memory();
    server.reset_peak_memory();
    let begin = Instant::now();
    for _ in 0..TRANSFERS {
        transfer().await?;
    }
    let each = begin.elapsed() / TRANSFERS;
    let bytes_per_second = STREAM_BYTES as f64 / each.as_secs_f64();
    let peak_memory = server.peak_memory();
    let growth = peak_memory.zip(before).map(|(peak, before)| peak.saturating_sub(before));
    Ok(StreamFigures { bytes_per_second, each, peak_memory, growth })
}

/// A block that does not compress.
fn noise() -> Vec<u8> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    while block.len() < BLOCK_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block.extend_from_slice(&state.to_le_bytes());
    }
    block
}
