//! An instance of `ttd/saksgang` and what is done with it.

use mottak_testkit::{Answer, Client, Sending, TestServer};
use serde_json::{Value, json};

/// An instance of the app, as Sophie handles it.
pub(crate) struct Sak {
    pub(crate) client: Client,
    /// `501337/{guid}`
    pub(crate) id: String,
    /// The instance as it was created.
    pub(crate) created: Value,
}

impl Sak {
    /// A path below the instance in the app.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/ttd/saksgang/instances/{}{rest}", self.id)
    }

    pub(crate) async fn instance(&self) -> Value {
        self.client.get(self.path("")).send().await.expect(200).json()
    }

    pub(crate) async fn process(&self) -> Value {
        self.client.get(self.path("/process")).send().await.expect(200).json()
    }

    /// The id of the current task; none when there is none.
    pub(crate) async fn task(&self) -> Option<String> {
        self.process().await["currentTask"]["elementId"].as_str().map(str::to_owned)
    }

    /// Leaves the task without saying how.
    pub(crate) async fn next(&self) -> Answer {
        self.moving().send().await
    }

    /// Leaves the task by an action.
    pub(crate) async fn next_by(&self, action: &str) -> Answer {
        self.moving().json(&json!({"action": action})).send().await
    }

    /// Leaves the task, and answers where the process stands then.
    pub(crate) async fn advance(&self) -> Value {
        self.next().await.expect(200).json()
    }

    /// The same by an action.
    pub(crate) async fn advance_by(&self, action: &str) -> Value {
        self.next_by(action).await.expect(200).json()
    }

    pub(crate) fn moving(&self) -> Sending {
        self.client.put(self.path("/process/next"))
    }

    /// The elements of a type, as the instance lists them.
    pub(crate) async fn elements(&self, data_type: &str) -> Vec<Value> {
        let instance = self.instance().await;
        let data = instance["data"].as_array().cloned().unwrap_or_default();
        data.into_iter().filter(|element| element["dataType"] == data_type).collect()
    }

    /// The path of the form.
    pub(crate) async fn form_path(&self) -> String {
        let elements = self.elements("skjema").await;
        self.path(&format!("/data/{}", elements[0]["id"].as_str().unwrap_or_default()))
    }

    /// Replaces the form.
    pub(crate) async fn fill(&self, form: &Value) -> Answer {
        let path = self.form_path().await;
        let answer = self.client.put(path).json(form).send().await;
        assert!(matches!(answer.status, 200 | 201 | 303), "{}: {}", answer.status, answer.text());
        answer
    }

    /// Adds an attachment and answers its id.
    pub(crate) async fn attach(&self, bytes: &'static [u8]) -> String {
        let sending = self.client.post(self.path("/data/vedlegg")).file("brev.pdf", "application/pdf", bytes);
        let answer = sending.send().await;
        assert!(matches!(answer.status, 200 | 201), "{}: {}", answer.status, answer.text());
        let elements = self.elements("vedlegg").await;
        elements[elements.len() - 1]["id"].as_str().unwrap_or_default().to_owned()
    }

    /// The stored form, as the platform keeps it.
    pub(crate) async fn stored(&self, data_type: &str) -> String {
        let elements = self.elements(data_type).await;
        let id = elements[0]["id"].as_str().unwrap_or_default();
        let path = format!("/storage/api/v1/instances/{}/data/{id}", self.id);
        self.client.get(path).send().await.expect(200).text()
    }

    /// The kinds of events of the instance, in their order.
    pub(crate) async fn events(&self, server: &TestServer) -> Vec<mottak_model::InstanceEvent> {
        let id = self.id.parse().expect("an instance id");
        server.service.store.events(id).await.expect("the store answers")
    }

    /// The kinds of events of its process, in their order.
    pub(crate) async fn moves(&self, server: &TestServer) -> Vec<String> {
        let events = self.events(server).await;
        events.into_iter().map(|event| event.event_type).filter(|kind| kind.starts_with("process")).collect()
    }
}

/// A refusal that is told in the words of the process.
pub(crate) fn problem(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json; charset=utf-8"));
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    problem
}
