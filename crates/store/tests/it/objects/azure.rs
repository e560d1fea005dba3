//! The emulator of Azure's storage, a program for Node. `cargo xtask test` installs it under `target/tools`; where it is
//! missing, or cannot run, its part of the suite is left out and says so.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use object_store::azure::MicrosoftAzureBuilder;

use super::places::Place;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/node_modules/azurite");
const ACCOUNT: &str = "mottak";
/// Of the emulator alone.
const KEY: &str = "bW90dGFrLXRlc3RzLW1vdHRhay10ZXN0cy1tb3R0YWs=";
const CONTAINER: &str = "bodies";

/// A place of its own in the emulator that all tests share, if it can be started.
pub(super) fn place() -> Option<Place> {
    static EMULATOR: OnceLock<Result<Emulator, String>> = OnceLock::new();
    static PREFIX: AtomicUsize = AtomicUsize::new(0);
    let address = match EMULATOR.get_or_init(start) {
        Ok(emulator) => emulator.address,
        Err(cause) => {
            println!("skipped: Azure's storage, because {cause}");
            return None;
        }
    };
    let client = MicrosoftAzureBuilder::new()
        .with_endpoint(endpoint(address))
        .with_allow_http(true)
        .with_account(ACCOUNT)
        .with_access_key(KEY)
        .with_container_name(CONTAINER)
        .build()
        .unwrap();
    let prefix = format!("test-{}", PREFIX.fetch_add(1, Ordering::Relaxed));
    let location = (format!("azure://{CONTAINER}/{prefix}"), settings(address));
    Some(Place::bucket("Azure", location, Arc::new(client), &prefix, None))
}

fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}/{ACCOUNT}")
}

/// How the place is reached.
fn settings(address: SocketAddr) -> Vec<(String, String)> {
    let endpoint = endpoint(address);
    let settings = [
        ("AZURE_STORAGE_ENDPOINT", endpoint.as_str()),
        ("AZURE_ALLOW_HTTP", "true"),
        ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT),
        ("AZURE_STORAGE_ACCOUNT_KEY", KEY),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

struct Emulator {
    address: SocketAddr,
    /// Ends when it no longer sees this process at the other end of its input.
    _runner: Child,
}

/// Starts the emulator with its container.
fn start() -> Result<Emulator, String> {
    let program = Path::new(PROGRAM).join("dist/src/blob/main.js");
    if !program.exists() {
        return Err("the package azurite is not under target/tools".to_owned());
    }
    let mut node = Command::new("node")
        .args(["-e", RUNNER, ACCOUNT, KEY, CONTAINER])
        .arg(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("node does not start: {error}"))?;
    let mut lines = BufReader::new(node.stdout.take().expect("it is piped")).lines();
    while let Some(Ok(line)) = lines.next() {
        if let Some(address) = line.strip_prefix("ready ") {
            let address = address.parse().map_err(|error| format!("the emulator's address cannot be read: {error}"))?;
            return Ok(Emulator { address, _runner: node });
        }
    }
    let mut said = String::new();
    let _ = node.stderr.take().expect("it is piped").read_to_string(&mut said);
    Err(format!("the emulator does not start: {}", said.lines().last().unwrap_or("it says nothing")))
}

/// Starts the emulator on a free port, makes the container with a signed request, and ends with its own input.
const RUNNER: &str = r#"
const { spawn } = require("child_process"), http = require("http"), crypto = require("crypto");
const [account, key, container, program] = process.argv.slice(1);
const emulator = spawn(process.execPath, [program, "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck",
  "--silent", "--blobPort", "0"], { env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` } });
const end = () => { emulator.kill("SIGKILL"); process.exit(0); };
process.stdin.on("end", end).on("error", end).resume();
emulator.on("exit", () => process.exit(1));
emulator.stderr.pipe(process.stderr);
let said = "", isAsked = false;
emulator.stdout.on("data", (text) => {
  said += text;
  const address = /listens on http:\/\/([0-9.:]+)/.exec(said);
  if (!address || isAsked) return;
  isAsked = true;
  const [host, port] = address[1].split(":");
  const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": "2023-11-03" };
  const named = Object.keys(headers).map((name) => `${name}:${headers[name]}\n`).join("");
  const request = `PUT${"\n".repeat(12)}${named}/${account}/${account}/${container}\nrestype:container`;
  const signature = crypto.createHmac("sha256", Buffer.from(key, "base64")).update(request, "utf8").digest("base64");
  headers.authorization = `SharedKey ${account}:${signature}`;
  headers["content-length"] = "0";
  http.request({ host, port, method: "PUT", path: `/${account}/${container}?restype=container`, headers }, (answer) => {
    if (answer.statusCode === 201) console.log(`ready ${address[1]}`);
    else { console.error(`the container is refused with ${answer.statusCode}`); end(); }
  }).end();
});
"#;
