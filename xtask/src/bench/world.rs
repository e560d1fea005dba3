//! The callers and instances of a measurement: logging in through the development endpoints, making instances, and
//! writing requests as bytes.

use super::client::{Answer, Client, quote};
use super::load::{Requests, Reuse};
use anyhow::{Context as _, bail};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The app that is measured; its folder is `xtask/bench-app`.
pub(super) const APP: &str = "ttd/bench";

const PARTY: &str = "501337";
const USER_LOGIN: &str = "/Home/GetTestUserToken/1337?authenticationLevel=2";
const OWNER_LOGIN: &str = "/Home/GetTestOrgToken/ttd?orgNumber=405003309&scopes=altinn:serviceowner/instances.read";
/// How many rows make a form of 10 KB.
pub(super) const ROWS_OF_TEN_KILOBYTES: usize = 105;
/// How many connections make instances before a measurement.
const MAKERS: usize = 16;

/// A server and two callers that are logged in to it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) address: SocketAddr,
    /// The token of an end user who may fill in forms for the party.
    user: String,
    /// The token of the app's service owner.
    owner: String,
}

/// An instance in its first task, and its form data element.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// `{party}/{guid}`
    id: String,
    form: String,
}

impl Instance {
    /// The path of the instance in the App API.
    pub(super) fn path(&self) -> String {
        format!("/{APP}/instances/{}", self.id)
    }

    /// The path of the instance's form data.
    pub(super) fn form_path(&self) -> String {
        format!("{}/data/{}", self.path(), self.form)
    }
}

#[derive(Deserialize)]
struct InstanceBody {
    id: String,
    data: Vec<ElementBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ElementBody {
    id: String,
    data_type: String,
}

#[derive(Deserialize)]
struct PageBody {
    count: usize,
    next: Option<String>,
}

impl World {
    pub(super) async fn log_in(address: SocketAddr) -> anyhow::Result<Self> {
        let user = token(address, USER_LOGIN).await?;
        let owner = token(address, OWNER_LOGIN).await?;
        Ok(Self { address, user, owner })
    }

    /// A request of the end user without a body.
    pub(super) fn as_user(&self, method: &str, path: &str) -> Vec<u8> {
        let token = &self.user;
        let length = if method == "GET" { "" } else { "content-length: 0\r\n" };
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{length}\r\n").into()
    }

    /// The head of a request of the end user whose body of `length` bytes follows.
    pub(super) fn head_as_user(&self, method: &str, path: &str, headers: &str, length: u64) -> Vec<u8> {
        let token = &self.user;
        format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{headers}\
             content-length: {length}\r\n\r\n"
        )
        .into()
    }

    /// A request of the end user with a JSON body.
    pub(super) fn json_as_user(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let mut request = self.head_as_user(method, path, "content-type: application/json\r\n", body.len() as u64);
        request.extend_from_slice(body.as_bytes());
        request
    }

    /// Starts an instance.
    pub(super) fn create_request(&self) -> Vec<u8> {
        let body = format!(r#"{{"instanceOwner":{{"partyId":"{PARTY}"}}}}"#);
        self.json_as_user("POST", &format!("/{APP}/instances"), &body)
    }

    /// Stores form data with the given number of rows.
    pub(super) fn put_form_request(&self, instance: &Instance, name: &str, rows: usize) -> Vec<u8> {
        self.json_as_user("PUT", &instance.form_path(), &form(name, rows))
    }

    /// Makes instances that nobody has worked on yet.
    pub(super) async fn make_instances(&self, count: usize) -> anyhow::Result<Vec<Instance>> {
        let left = Arc::new(AtomicUsize::new(count));
        let request: Arc<[u8]> = self.create_request().into();
        let mut makers = tokio::task::JoinSet::new();
        for _ in 0..MAKERS {
            makers.spawn(make(self.address, request.clone(), left.clone()));
        }
        let mut instances = Vec::with_capacity(count);
        while let Some(made) = makers.join_next().await {
            instances.extend(made.context("a maker of instances panicked")??);
        }
        Ok(instances)
    }

    /// Makes one instance that nobody has worked on yet.
    pub(super) async fn make_instance(&self) -> anyhow::Result<Instance> {
        self.make_instances(1).await?.pop().context("no instance was made")
    }

    /// Gives each instance a small form that is valid.
    pub(super) async fn fill_in(&self, instances: &[Instance]) -> anyhow::Result<()> {
        let forms = instances.iter().map(|instance| self.put_form_request(instance, "Kari", 3)).collect();
        let requests = Arc::new(Requests::new(forms, Reuse::Once));
        let unlimited = std::time::Duration::from_hours(1);
        super::load::run(self.address, MAKERS, unlimited, &requests, &[200, 201]).await.context("filling in forms")?;
        Ok(())
    }

    /// The id of the instance's element of a data type.
    pub(super) async fn element(&self, instance: &Instance, data_type: &str) -> anyhow::Result<String> {
        let answer = ask(self.address, &self.as_user("GET", &instance.path())).await?;
        let body: InstanceBody = parse(&answer, 200)?;
        let element = body.data.into_iter().find(|element| element.data_type == data_type);
        Ok(element.with_context(|| format!("the instance has no {data_type}"))?.id)
    }

    /// Requests for up to `pages` consecutive pages of 100 of what the service owner asks for most: its app's instances in a task.
    pub(super) async fn page_requests(&self, pages: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        let path = format!(
            "/storage/api/v1/instances?appId={APP}&process.currentTask=Task_1&status.isArchived=false\
             &status.isSoftDeleted=false&size=100"
        );
        let requests = self.owner_pages(&path, pages).await?;
        if requests.is_empty() {
            bail!("fewer than 100 instances to list");
        }
        Ok(requests)
    }

    /// Requests for up to `pages` consecutive full pages of 100 of a list of the service owner.
    pub(super) async fn owner_pages(&self, path: &str, pages: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut path = path.to_owned();
        let mut requests = Vec::new();
        loop {
            let token = &self.owner;
            let request: Vec<u8> =
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").into();
            let page: PageBody = parse(&ask(self.address, &request).await?, 200)?;
            if page.count < 100 {
                break;
            }
            requests.push(request);
            match page.next {
                Some(next) if requests.len() < pages => path = path_of(&next).to_owned(),
                _ => break,
            }
        }
        Ok(requests)
    }
}

async fn make(address: SocketAddr, request: Arc<[u8]>, left: Arc<AtomicUsize>) -> anyhow::Result<Vec<Instance>> {
    let mut client = Client::connect(address).await?;
    let mut made = Vec::new();
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        client.send(&request).await?;
        let answer = client.read_answer().await?;
        let body: InstanceBody = parse(&answer, 201).context("starting an instance")?;
        let form = body.data.into_iter().find(|element| element.data_type == "model");
        made.push(Instance { id: body.id, form: form.context("an instance without form data")?.id });
    }
    Ok(made)
}

async fn token(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let answer = ask(address, request.as_bytes()).await?;
    if answer.status != 200 {
        bail!("logging in with {path} answered {}: {}", answer.status, quote(&answer.body));
    }
    Ok(String::from_utf8(answer.body).context("the token is not text")?.trim().to_owned())
}

async fn ask(address: SocketAddr, request: &[u8]) -> anyhow::Result<Answer> {
    let mut client = Client::connect(address).await?;
    client.send(request).await?;
    client.read_answer().await
}

fn parse<T: serde::de::DeserializeOwned>(answer: &Answer, expected: u16) -> anyhow::Result<T> {
    if answer.status != expected {
        bail!("answered {}: {}", answer.status, quote(&answer.body));
    }
    serde_json::from_slice(&answer.body).with_context(|| format!("an unexpected body: {}", quote(&answer.body)))
}

/// The path and query of an absolute address.
fn path_of(address: &str) -> &str {
    let after_scheme = address.find("://").map_or(0, |at| at + 3);
    address[after_scheme..].find('/').map_or(address, |at| &address[after_scheme + at..])
}

/// Form data of about 96 bytes per row.
fn form(name: &str, rows: usize) -> String {
    let rows: Vec<_> = (0..rows)
        .map(|row| {
            let text = format!("row {row:04} ").repeat(8);
            serde_json::json!({ "text": text.trim_end(), "amount": row * 10 })
        })
        .collect();
    serde_json::json!({ "name": name, "lines": rows }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_ten_kilobytes_is_that() {
        let length = form("Kari", ROWS_OF_TEN_KILOBYTES).len();
        assert!((10_000..10_200).contains(&length), "{length}");
    }

    #[test]
    fn the_path_follows_the_host() {
        assert_eq!(path_of("https://local.altinn.cloud:80/a/b?c=d"), "/a/b?c=d");
        assert_eq!(path_of("/a/b"), "/a/b");
    }
}
