//! Validation of an instance in its current task: which validators run, over what, in which order
//! (app-forms §6.2, app-process §4).

use mottak_apps::App;
use mottak_forms::expression::{ElementIndex, EvaluationContext, ExpressionError};
use mottak_forms::layout::{ComponentContexts, hidden_fields, required_issues};
use mottak_forms::validation::annotations::{self, SeverityPrefixes};
use mottak_forms::validation::elements::{validate_counts, validate_element};
use mottak_forms::validation::{Issue, source};
use mottak_model::{DataElement, InstanceId};

use crate::authentication::Caller;
use crate::authorization::Resource;
use crate::data::access::may_read;
use crate::evaluation::Situation;
use crate::instances::read::load_of_app;
use crate::refusal::ProblemKind;
use crate::{Problem, Refusal, Service};

/// Which validators run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Sources not to run, compared without regard to case.
    pub ignored: Vec<String>,
    /// `true`: only those that run on every change; `false`: only the others; none: all.
    pub incremental: Option<bool>,
}

impl Selection {
    /// Only what runs on every change, without the ignored sources.
    pub fn incremental_without(ignored: Vec<String>) -> Self {
        Self { ignored, incremental: Some(true) }
    }

    fn runs(&self, source: &str, is_incremental: bool) -> bool {
        self.incremental.is_none_or(|wanted| wanted == is_incremental) && !source::is_ignored(source, &self.ignored)
    }
}

/// What one validator found.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    pub source: &'static str,
    pub issues: Vec<Issue>,
}

/// The issues of an instance in its current task.
pub async fn validate(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    selection: &Selection,
    language: Option<&str>,
) -> Result<Vec<Issue>, Refusal> {
    if caller.is_anonymous() {
        return Err(Refusal::Unauthenticated);
    }
    let snapshot = load_of_app(svc, app, id).await?;
    if !svc.access(caller, "read", Resource::instance(app, &snapshot.instance))?.is_permitted() {
        let problem = crate::Missing::action("read").because("Something went wrong.", "The instance may not be read.");
        return Err(Refusal::Forbidden(problem.traced()));
    }
    if snapshot.instance.current_task_id().is_none() {
        let problem = Problem::details("Validation error", "Unable to validate instance without a started process.");
        return Err(Refusal::Conflict(problem.with(ProblemKind::Traced)));
    }
    let situation = Situation::load(svc, app, &snapshot.instance, language, |_| true).await?;
    let findings = run(svc, caller, &situation, selection, &Changed::Anything)?;
    Ok(findings.into_iter().flat_map(|findings| findings.issues).collect())
}

/// What has changed since the validators last ran.
pub(crate) enum Changed {
    Anything,
    /// Whether a form did.
    Forms(bool),
}

/// Runs the selected validators over a loaded instance, in the order clients know.
pub(crate) fn run(
    svc: &Service,
    caller: &Caller,
    situation: &Situation<'_>,
    selection: &Selection,
    changed: &Changed,
) -> Result<Vec<Findings>, Refusal> {
    let app = situation.app;
    let instance = situation.instance;
    let Some(task) = instance.current_task_id() else { return Ok(Vec::new()) };
    let mut readable = Vec::new();
    for element in instance.data.iter().filter(|element| !element.is_hard_deleted()) {
        let Some(data_type) = app.application.data_type(&element.data_type) else { continue };
        if may_read(svc, caller, app, instance, data_type)? {
            readable.push((element, data_type));
        }
    }
    let of_task = |task_id: Option<&str>| task_id == Some(task);

    let mut findings = Vec::new();
    if selection.runs(source::REQUIRED, true) && app.settings.required_validation {
        findings.push(Findings { source: source::REQUIRED, issues: required(situation, task)? });
    }
    if selection.runs(source::EXPRESSION, true) && app.settings.expression_validation {
        findings.push(Findings { source: source::EXPRESSION, issues: expressions(situation, task)? });
    }
    if selection.runs(source::TASK, false) {
        let elements: Vec<DataElement> = readable.iter().map(|(element, _)| (*element).clone()).collect();
        let issues = validate_counts(task, &app.application.data_types, &elements);
        findings.push(Findings { source: source::TASK, issues });
    }
    if selection.runs(source::DATA_ELEMENT, false) {
        let elements = readable.iter().filter(|(_, data_type)| of_task(data_type.task_id.as_deref()));
        let issues = elements.flat_map(|(element, data_type)| validate_element(data_type, element)).collect();
        findings.push(Findings { source: source::DATA_ELEMENT, issues });
    }
    let annotations_run = matches!(changed, Changed::Anything | Changed::Forms(true));
    if selection.runs(source::DATA_ANNOTATIONS, true) && annotations_run {
        let prefixes = prefixes_of(app);
        let issues = readable.iter().filter_map(|(element, _)| Some((element, situation.form(element.id)?)));
        let issues = issues.flat_map(|(element, form)| annotations::validate(form, &element.id.to_string(), &prefixes));
        findings.push(Findings { source: source::DATA_ANNOTATIONS, issues: issues.collect() });
    }
    describe(situation, &mut findings);
    Ok(findings)
}

fn prefixes_of(app: &App) -> SeverityPrefixes {
    let prefixes = &app.settings.prefixes;
    SeverityPrefixes {
        warning: prefixes.warning.clone(),
        fixed: prefixes.fixed.clone(),
        informational: prefixes.info.clone(),
        success: prefixes.success.clone(),
    }
}

/// Issues without words of their own get those of their text key.
fn describe(situation: &Situation<'_>, findings: &mut [Findings]) {
    let facts = situation.facts();
    for issue in findings.iter_mut().flat_map(|findings| &mut findings.issues) {
        issue.describe(|key, parameters| {
            let context = EvaluationContext::without_layout(&facts, None);
            mottak_forms::text::translate(key, &context, Some(parameters))
        });
    }
}

/// Components of the task's layout that must have a value and do not.
fn required(situation: &Situation<'_>, task: &str) -> Result<Vec<Issue>, Refusal> {
    let facts = situation.facts();
    let Some(contexts) = contexts_of(situation, task, &facts)? else { return Ok(Vec::new()) };
    required_issues(&contexts).map_err(|error| failed(source::REQUIRED, error))
}

/// Rules of the app's validation files that do not hold.
fn expressions(situation: &Situation<'_>, task: &str) -> Result<Vec<Issue>, Refusal> {
    let app = situation.app;
    let facts = situation.facts();
    let Some(contexts) = contexts_of(situation, task, &facts)? else { return Ok(Vec::new()) };
    let hidden = hidden_fields(&contexts).map_err(|error| failed(source::EXPRESSION, error))?;
    let mut issues = Vec::new();
    for (index, element) in situation.instance.data.iter().enumerate() {
        let data_type = app.application.data_type(&element.data_type);
        let belongs = data_type.is_some_and(|data_type| data_type.task_id.as_deref() == Some(task));
        let Some(rules) = app.models.rules(&element.data_type).filter(|_| belongs) else { continue };
        let broken = rules.validate(ElementIndex(index), &contexts, &hidden);
        issues.extend(broken.map_err(|error| failed(source::EXPRESSION, error))?);
    }
    Ok(issues)
}

/// The components of the task's layout; none when the task has no layout.
pub(crate) fn contexts_of<'f>(
    situation: &'f Situation<'_>,
    task: &str,
    facts: &'f mottak_forms::expression::Facts<'f>,
) -> Result<Option<ComponentContexts<'f>>, Refusal> {
    let app = situation.app;
    let Some(set) = app.ui.set_of_task(task).filter(|set| app.ui.layouts.set(&set.id).is_some()) else {
        return Ok(None);
    };
    ComponentContexts::build(&app.ui.layouts, &set.id, facts).map(Some).map_err(|error| failed("layout", error))
}

/// A rule of the app that cannot be evaluated; the text may hold values of the form, so it is not logged.
fn failed(source: &str, _error: ExpressionError) -> Refusal {
    Refusal::Stuck(Problem::details("Validation failed", format!("The validator {source} could not be run.")))
}
