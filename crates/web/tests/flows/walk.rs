//! One way through an app, as a person, a system of the owner and nobody else would take it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;
use mottak_apps::{App, LoadOptions};
use mottak_testkit::{Answer, Backing, Client, TestServer};
use serde_json::{Value, json};

use crate::filling::{add_missing, candidates, first_text, set};
use crate::schema;

/// A person and the organisation she leads: one of them may be the party of nearly every app.
const PERSON: i32 = 1337;
const PARTIES: [i32; 2] = [501_337, 500_000];
/// How often a form is corrected, and how many tasks a way may have.
const ROUNDS: usize = 60;
const TASKS: usize = 20;

/// How far an app was walked.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// To its end, and out of the owner's list of what is not handled yet.
    Confirmed { tasks: Vec<String>, files: usize },
    /// It needs something that is not requests: code, a signature, a payment.
    NeedsMore(String),
    /// Something was refused that should not have been.
    Stuck(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Confirmed { tasks, files } => {
                write!(f, "archived and confirmed by way of {}, {files} files read back", tasks.join(", "))
            }
            Self::NeedsMore(why) => write!(f, "not walked: {why}"),
            Self::Stuck(why) => write!(f, "stuck: {why}"),
        }
    }
}

/// Why a walk ends early.
type Halt = Outcome;

fn stuck(step: &str, answer: &Answer) -> Halt {
    Outcome::Stuck(format!("{step}: {} {}", answer.status, answer.text()))
}

/// The answer as JSON when it succeeded.
fn ok(step: &str, answer: &Answer) -> Result<Value, Halt> {
    match answer.status {
        200..=299 => Ok(answer.json()),
        _ => Err(stuck(step, answer)),
    }
}

/// Walks the app in a folder.
pub(crate) async fn walk(folder: PathBuf, backing: Backing) -> Outcome {
    let loaded = App::load_with(&folder, &LoadOptions::serving());
    let Some(app) = loaded.app else { return Outcome::Stuck(format!("does not load: {:?}", loaded.problems)) };
    if app.process().is_none() {
        return Outcome::NeedsMore("it has no process".to_owned());
    }
    let server = TestServer::builder().apps([folder]).backing(backing).build();
    let org = app.id.org().to_owned();
    let mut walk = Walk {
        person: server.user_at_level(PERSON, 4),
        owner: server.owner(&org, "405003309"),
        base: format!("/{}", app.id),
        id: String::new(),
        org,
        data_types: Vec::new(),
        tries: HashMap::new(),
        attached: BTreeMap::new(),
    };
    walk.whole_way().await.unwrap_or_else(|halt| halt)
}

struct Walk {
    person: Client,
    owner: Client,
    /// `/{org}/{app}`
    base: String,
    /// `{party}/{guid}`
    id: String,
    org: String,
    data_types: Vec<Value>,
    /// How many values were tried for a field of an element.
    tries: HashMap<(String, String), usize>,
    /// The bytes of attachments, by element.
    attached: BTreeMap<String, Bytes>,
}

impl Walk {
    async fn whole_way(&mut self) -> Result<Outcome, Halt> {
        let metadata = self.person.get(format!("{}/api/v1/applicationmetadata", self.base)).send().await;
        self.data_types = ok("read the metadata", &metadata)?["dataTypes"].as_array().cloned().unwrap_or_default();
        self.create().await?;
        let mut tasks = Vec::new();
        while let Some((task, task_type)) = self.current_task().await? {
            if tasks.len() == TASKS {
                return Err(Outcome::Stuck(format!("goes in circles: {tasks:?}")));
            }
            match task_type.as_str() {
                "data" => {
                    self.attach_what_may_be(&task).await?;
                    self.fill_in(&task).await?;
                    self.leave_data_task(&task).await?;
                }
                "confirmation" => self.leave(&self.person, Some("confirm")).await?,
                "feedback" => self.leave(&self.owner, None).await?,
                other => return Err(Outcome::NeedsMore(format!("{task} is a {other} task"))),
            }
            tasks.push(task);
        }
        self.hand_over().await?;
        Ok(Outcome::Confirmed { tasks, files: self.attached.len() })
    }

    fn instance(&self, rest: &str) -> String {
        format!("{}/instances/{}{rest}", self.base, self.id)
    }

    /// Reads something of the instance; what the person may no longer read after the end, the owner reads.
    async fn read(&self, rest: &str) -> Result<Value, Halt> {
        let answer = self.person.get(self.instance(rest)).send().await;
        match answer.status {
            403 => ok("read as the owner", &self.owner.get(self.instance(rest)).send().await),
            _ => ok("read", &answer),
        }
    }

    async fn create(&mut self) -> Result<(), Halt> {
        let mut refused = Vec::new();
        for party in PARTIES {
            let path = format!("{}/instances?instanceOwnerPartyId={party}", self.base);
            let answer = self.person.post(path).send().await;
            if answer.status == 201 {
                self.id = answer.json()["id"].as_str().unwrap_or_default().to_owned();
                return Ok(());
            }
            refused.push(answer);
        }
        match refused.iter().find(|answer| answer.status != 403) {
            Some(answer) => Err(stuck("create", answer)),
            None => Err(Outcome::NeedsMore("nobody may create it by its policy".to_owned())),
        }
    }

    /// Id and type of the current task; none when the process has ended.
    async fn current_task(&self) -> Result<Option<(String, String)>, Halt> {
        let state = self.read("/process").await?;
        let text = |name: &str| state["currentTask"][name].as_str().map(str::to_owned);
        if state["ended"].is_null() { Ok(text("elementId").zip(text("altinnTaskType"))) } else { Ok(None) }
    }

    async fn elements(&self) -> Result<Vec<Value>, Halt> {
        let instance = self.read("").await?;
        Ok(instance["data"].as_array().cloned().unwrap_or_default())
    }

    fn data_type(&self, id: &str) -> Option<&Value> {
        self.data_types.iter().find(|data_type| data_type["id"] == id)
    }

    fn is_form(&self, element: &Value) -> bool {
        let data_type = element["dataType"].as_str().and_then(|id| self.data_type(id));
        data_type.is_some_and(|data_type| data_type["appLogic"]["classRef"].is_string())
    }

    /// The forms of a task: element id and data type.
    async fn forms_of(&self, task: &str) -> Result<Vec<(String, String)>, Halt> {
        let of_task = |element: &&Value| {
            let data_type = element["dataType"].as_str().and_then(|id| self.data_type(id));
            self.is_form(element) && data_type.is_some_and(|data_type| data_type["taskId"] == task)
        };
        let elements = self.elements().await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(elements.iter().filter(of_task).map(|form| (text(&form["id"]), text(&form["dataType"]))).collect())
    }

    /// The schema of a data type; null when the app has none.
    async fn schema(&self, data_type: &str) -> Value {
        let answer = self.person.get(format!("{}/api/jsonschema/{data_type}", self.base)).send().await;
        if answer.status == 200 { answer.json() } else { Value::Null }
    }

    /// Fills the forms of a task with what their schemas require, patches each, and corrects whatever validation finds.
    async fn fill_in(&mut self, task: &str) -> Result<(), Halt> {
        for (element, data_type) in self.forms_of(task).await? {
            self.start_form(&element, &data_type).await?;
        }
        for _ in 0..ROUNDS {
            let issues = ok("validate", &self.person.get(self.instance("/validate")).send().await)?;
            let errors: Vec<Value> =
                issues.as_array().into_iter().flatten().filter(|issue| issue["severity"] == 1).cloned().collect();
            if errors.is_empty() {
                return Ok(());
            }
            self.correct(&errors).await?;
        }
        let issues = self.person.get(self.instance("/validate")).send().await.text();
        Err(Outcome::Stuck(format!("no values found that {task} takes: {issues}")))
    }

    async fn start_form(&self, element: &str, data_type: &str) -> Result<(), Halt> {
        let path = self.instance(&format!("/data/{element}"));
        let mut form = ok("read a form", &self.person.get(&path).accept("application/json").send().await)?;
        let schema = self.schema(data_type).await;
        let first = |node: &Value| candidates(Some(node)).into_iter().next().unwrap_or(Value::Null);
        let required = schema::minimal(&schema, &form, &first);
        add_missing(&mut form, required);
        self.replace(&path, &form).await?;
        let form = ok("read a form", &self.person.get(&path).accept("application/json").send().await)?;
        let operations: Vec<Value> = first_text(&form)
            .map(|(path, value)| json!({"op": "replace", "path": path, "value": value}))
            .into_iter()
            .collect();
        let patch = json!({"patch": operations, "ignoredValidators": []});
        ok("patch a form", &self.person.patch(&path).json(&patch).send().await)?;
        Ok(())
    }

    async fn replace(&self, path: &str, form: &Value) -> Result<(), Halt> {
        let answer = self.person.put(path).json(form).send().await;
        if matches!(answer.status, 200 | 201 | 303) { Ok(()) } else { Err(stuck("replace a form", &answer)) }
    }

    /// Tries the next value of every field that is complained of, and adds elements where there are too few.
    async fn correct(&mut self, errors: &[Value]) -> Result<(), Halt> {
        let mut changed: BTreeMap<String, Value> = BTreeMap::new();
        let types: HashMap<String, String> = self
            .elements()
            .await?
            .iter()
            .filter_map(|element| Some((element["id"].as_str()?.to_owned(), element["dataType"].as_str()?.to_owned())))
            .collect();
        for error in errors {
            let field = error["field"].as_str().unwrap_or_default().to_owned();
            if error["code"] == "TooFewDataElementsOfType" {
                self.add_element(&field).await?;
                continue;
            }
            let Some(element) = error["dataElementId"].as_str().map(str::to_owned) else {
                return Err(Outcome::Stuck(format!("an error that names no form: {error}")));
            };
            if !changed.contains_key(&element) {
                let path = self.instance(&format!("/data/{element}"));
                let form = ok("read a form", &self.person.get(path).accept("application/json").send().await)?;
                changed.insert(element.clone(), form);
            }
            let schema = self.schema(types.get(&element).map_or("", String::as_str)).await;
            let values = candidates(schema::field(&schema, &field));
            let tried = self.tries.entry((element.clone(), field.clone())).or_default();
            let Some(value) = values.get(*tried % values.len().max(1)) else { continue };
            *tried += 1;
            if let Some(form) = changed.get_mut(&element) {
                set(form, &field, value.clone());
            }
        }
        for (element, form) in changed {
            self.replace(&self.instance(&format!("/data/{element}")), &form).await?;
        }
        Ok(())
    }

    /// Adds one file of each type that the task takes files of.
    async fn attach_what_may_be(&mut self, task: &str) -> Result<(), Halt> {
        let is_for_users = |data_type: &&Value| {
            data_type["taskId"] == task
                && !data_type["appLogic"]["classRef"].is_string()
                && data_type["allowedContributers"].as_array().is_none_or(Vec::is_empty)
                && data_type["allowedContributors"].as_array().is_none_or(Vec::is_empty)
                && data_type["actionRequiredToWrite"].is_null()
        };
        let types: Vec<String> = self
            .data_types
            .iter()
            .filter(is_for_users)
            .filter_map(|found| Some(found["id"].as_str()?.to_owned()))
            .collect();
        for data_type in types {
            self.add_element(&data_type).await?;
        }
        Ok(())
    }

    /// Adds a form, or a file of the first kind that the type allows.
    async fn add_element(&mut self, data_type: &str) -> Result<(), Halt> {
        let path = self.instance(&format!("/data/{data_type}"));
        let described = self.data_type(data_type).cloned().unwrap_or_default();
        if described["appLogic"]["classRef"].is_string() {
            let first = |node: &Value| candidates(Some(node)).into_iter().next().unwrap_or(Value::Null);
            let form = schema::minimal(&self.schema(data_type).await, &Value::Null, &first);
            ok("add a form", &self.person.post(path).json(&form).send().await)?;
            return Ok(());
        }
        let content_type = described["allowedContentTypes"][0].as_str().unwrap_or("application/pdf").to_owned();
        let (name, start): (&str, &[u8]) = match content_type.as_str() {
            "image/png" => ("bilde.png", b"\x89PNG\r\n\x1a\n"),
            "image/jpeg" => ("bilde.jpg", b"\xff\xd8\xff\xe0"),
            "text/plain" => ("notat.txt", b"notat "),
            "application/json" => ("data.json", b"{}"),
            _ => ("brev.pdf", b"%PDF-1.7\n\0\xfe"),
        };
        let bytes = Bytes::from([start, format!(" nr. {}", self.attached.len()).as_bytes()].concat());
        let answer = self.person.post(path).file(name, &content_type, bytes.clone()).send().await;
        let added = ok("add a file", &answer)?;
        let id = added["newDataElementId"].as_str().or_else(|| added["id"].as_str()).unwrap_or_default();
        self.attached.insert(id.to_owned(), bytes);
        Ok(())
    }

    async fn leave(&self, who: &Client, action: Option<&str>) -> Result<(), Halt> {
        let answer = who.put(self.instance("/process/next")).json(&json!({"action": action})).send().await;
        ok("leave a task", &answer).map(drop)
    }

    /// Leaves a task. Where a gateway knows no way on, it is given the values that its conditions ask for.
    async fn leave_data_task(&mut self, task: &str) -> Result<(), Halt> {
        let moving = || self.person.put(self.instance("/process/next"));
        let answer = moving().send().await;
        if answer.status == 200 {
            return Ok(());
        }
        let (next, _) = self.current_task().await?.unwrap_or_default();
        if next != task {
            // The move led into a task that runs by itself, and that needs what is not here.
            return Ok(());
        }
        self.please_gateways(task).await?;
        let answer = moving().send().await;
        ok("leave a task", &answer).map(drop)
    }

    async fn please_gateways(&self, task: &str) -> Result<(), Halt> {
        let process = self.person.get(format!("{}/api/v1/meta/process", self.base)).send().await.text();
        let mut wanted: BTreeMap<String, Value> = BTreeMap::new();
        for condition in
            process.split("conditionExpression").filter_map(|text| text.split_once('>')?.1.split('<').next())
        {
            let condition: Value = serde_json::from_str(condition.trim()).unwrap_or_default();
            if condition[0] == "equals"
                && condition[1][0] == "dataModel"
                && let Some(field) = condition[1][1].as_str()
            {
                wanted.entry(field.to_owned()).or_insert(condition[2].clone());
            }
        }
        for (element, data_type) in self.forms_of(task).await? {
            let path = self.instance(&format!("/data/{element}"));
            let schema = self.schema(&data_type).await;
            let mut form = ok("read a form", &self.person.get(&path).accept("application/json").send().await)?;
            for (field, value) in wanted.iter().filter(|(field, _)| schema::field(&schema, field).is_some()) {
                set(&mut form, field, value.clone());
            }
            self.replace(&path, &form).await?;
        }
        Ok(())
    }

    /// The owner finds the instance, reads everything byte for byte, confirms, and finds it no more.
    async fn hand_over(&self) -> Result<(), Halt> {
        let instance = self.read("").await?;
        if instance["status"]["isArchived"] != true {
            return Err(Outcome::Stuck(format!("ended, but not archived: {}", instance["status"])));
        }
        if !self.is_waiting().await? {
            return Err(Outcome::Stuck("the owner does not find it".to_owned()));
        }
        for element in instance["data"].as_array().into_iter().flatten() {
            let id = element["id"].as_str().unwrap_or_default();
            let path = format!("/storage/api/v1/instances/{}/data/{id}", self.id);
            let of_owner = self.owner.get(&path).send().await;
            if of_owner.status != 200 {
                return Err(stuck("the owner reads an element", &of_owner));
            }
            let expected = match self.attached.get(id) {
                Some(bytes) => bytes.clone(),
                None => match self.person.get(&path).send().await {
                    answer if answer.status == 200 => answer.body,
                    _ => of_owner.body.clone(),
                },
            };
            let size = element["size"].as_u64();
            if of_owner.body != expected || size != Some(expected.len() as u64) || expected.is_empty() {
                return Err(Outcome::Stuck(format!("{id} is not the bytes that were sent")));
            }
        }
        let confirmed = self.owner.post(format!("/storage/api/v1/instances/{}/complete", self.id)).send().await;
        ok("confirm", &confirmed)?;
        if self.is_waiting().await? {
            return Err(Outcome::Stuck("confirmed, and the owner still finds it".to_owned()));
        }
        Ok(())
    }

    /// Whether the instance is among those that have ended and that the owner has not confirmed.
    async fn is_waiting(&self) -> Result<bool, Halt> {
        let app = self.base.trim_start_matches('/');
        let query = format!(
            "/storage/api/v1/instances?org={0}&appId={app}&process.isComplete=true&excludeConfirmedBy={0}",
            self.org
        );
        let found = ok("ask for what has ended", &self.owner.get(query).send().await)?;
        let guid = self.id.split('/').next_back().unwrap_or_default();
        let listed = found["instances"].as_array().into_iter().flatten();
        Ok(listed.filter_map(|instance| instance["id"].as_str()).any(|id| id.ends_with(guid)))
    }
}
