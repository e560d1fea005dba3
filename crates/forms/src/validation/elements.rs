//! The data elements of a task, checked against its data types (app-forms §6.7): counts, content types, sizes, scans.

use mottak_model::{DataElement, DataType, FileScanResult};

use super::issue::{Issue, source};

const MEBIBYTE: u64 = 1_048_576;

/// Too many or too few elements of the data types that belong to `task_id`.
///
/// `elements` are all of the instance, or those that the caller may read.
pub fn validate_counts(task_id: &str, data_types: &[DataType], elements: &[DataElement]) -> Vec<Issue> {
    let mut issues = Vec::new();
    for data_type in data_types.iter().filter(|data_type| data_type.task_id.as_deref() == Some(task_id)) {
        let count = elements.iter().filter(|element| element.data_type == data_type.id).count();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if data_type.max_count > 0 && count > data_type.max_count {
            issues.push(task_issue("TooManyDataElementsOfType", &data_type.id));
        }
        if data_type.min_count > 0 && count < data_type.min_count {
            issues.push(task_issue("TooFewDataElementsOfType", &data_type.id));
        }
    }
    issues
}

fn task_issue(code: &str, data_type_id: &str) -> Issue {
    Issue {
        field: Some(data_type_id.to_owned()),
        code: Some(code.to_owned()),
        description: Some(code.to_owned()),
        no_incremental_updates: true,
        ..Issue::error(source::TASK)
    }
}

/// What is wrong with one data element of a task.
pub fn validate_element(data_type: &DataType, element: &DataElement) -> Vec<Issue> {
    let issue = |code: &str, description: String| Issue {
        data_element_id: Some(element.id.to_string()),
        field: Some(data_type.id.clone()),
        code: Some(code.to_owned()),
        description: Some(description),
        no_incremental_updates: true,
        ..Issue::error(source::DATA_ELEMENT)
    };
    let plain = |code: &str| issue(code, code.to_owned());
    let Some(content_type) = element.content_type.as_deref().filter(|text| !text.trim().is_empty()) else {
        return vec![Issue { field: None, ..plain("MissingContentType") }];
    };
    let mut issues = Vec::new();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    let allowed = data_type.allowed_content_types.as_deref().unwrap_or_default();
    if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(content_type)) {
        let description = format!("ContentType {content_type} not allowed for {}", allowed.join(","));
        issues.push(issue("ContentTypeNotAllowed", description));
    }
    let limit = data_type.max_size.and_then(|mebibytes| u64::try_from(mebibytes).ok()).filter(|limit| *limit > 0);
    if limit.is_some_and(|limit| element.size > limit.saturating_mul(MEBIBYTE)) {
        issues.push(plain("DataElementTooLarge"));
    }
    match element.file_scan_result {
        FileScanResult::Infected if data_type.enable_file_scan => issues.push(plain("DataElementFileInfected")),
        FileScanResult::Pending if data_type.enable_file_scan && data_type.validation_error_on_pending_file_scan => {
            issues.push(plain("DataElementFileScanPending"));
        }
        _ => {}
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(id: u128, data_type: &str) -> DataElement {
        let guid = |n: u128| uuid::Uuid::from_u128(n);
        DataElement {
            content_type: Some("application/pdf".to_owned()),
            ..DataElement::new(guid(id), guid(1), data_type)
        }
    }

    fn attachment() -> DataType {
        DataType { id: "vedlegg".to_owned(), task_id: Some("Task_1".to_owned()), ..DataType::default() }
    }

    fn codes(issues: &[Issue]) -> Vec<&str> {
        issues.iter().filter_map(|issue| issue.code.as_deref()).collect()
    }

    #[test]
    fn too_few_elements_name_the_data_type_and_are_not_incremental() {
        let _rows = mottak_testing::covers("app-forms", &["104"]);
        let data_types = [DataType { min_count: 1, ..attachment() }];
        let issues = validate_counts("Task_1", &data_types, &[]);
        assert_eq!(codes(&issues), ["TooFewDataElementsOfType"]);
        assert_eq!(issues[0].source, "Altinn.App.Core.Features.Validation.Default.DefaultTaskValidator-*");
        assert_eq!(issues[0].field.as_deref(), Some("vedlegg"));
        assert!(issues[0].no_incremental_updates);
        assert_eq!(validate_counts("Task_2", &data_types, &[]), []);
    }

    #[test]
    fn too_many_elements_are_an_issue_when_there_is_a_limit() {
        let elements = [element(2, "vedlegg"), element(3, "vedlegg")];
        let limited = [DataType { max_count: 1, ..attachment() }];
        assert_eq!(codes(&validate_counts("Task_1", &limited, &elements)), ["TooManyDataElementsOfType"]);
        assert_eq!(validate_counts("Task_1", &[attachment()], &elements), []);
    }

    #[test]
    fn scan_results_count_only_where_files_are_scanned() {
        let _rows = mottak_testing::covers("app-forms", &["105"]);
        let scanned = DataType { enable_file_scan: true, validation_error_on_pending_file_scan: true, ..attachment() };
        let with = |file_scan_result| DataElement { file_scan_result, ..element(2, "vedlegg") };
        let infected = validate_element(&scanned, &with(FileScanResult::Infected));
        assert_eq!(codes(&infected), ["DataElementFileInfected"]);
        assert_eq!(infected[0].source, source::DATA_ELEMENT);
        assert_eq!(infected[0].field.as_deref(), Some("vedlegg"));
        assert_eq!(codes(&validate_element(&scanned, &with(FileScanResult::Pending))), ["DataElementFileScanPending"]);
        assert_eq!(validate_element(&attachment(), &with(FileScanResult::Infected)), []);
    }

    #[test]
    fn content_types_and_sizes_are_those_of_the_data_type() {
        let data_type = DataType {
            allowed_content_types: Some(vec!["application/PDF".to_owned()]),
            max_size: Some(1),
            ..attachment()
        };
        let with_parameters = DataElement {
            content_type: Some("application/pdf; q=1".to_owned()),
            size: MEBIBYTE,
            ..element(2, "vedlegg")
        };
        assert_eq!(validate_element(&data_type, &with_parameters), []);
        let wrong =
            DataElement { content_type: Some("text/plain".to_owned()), size: MEBIBYTE + 1, ..with_parameters.clone() };
        let issues = validate_element(&data_type, &wrong);
        assert_eq!(codes(&issues), ["ContentTypeNotAllowed", "DataElementTooLarge"]);
        assert_eq!(issues[0].description.as_deref(), Some("ContentType text/plain not allowed for application/PDF"));
        let missing = DataElement { content_type: None, ..with_parameters };
        assert_eq!(codes(&validate_element(&data_type, &missing)), ["MissingContentType"]);
    }
}
