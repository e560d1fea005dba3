//! Does a target mean to the platform what it means to the standard (contract §2.3)?

use crate::policy::AllOf;

/// One `AllOf` by category: subject, resource, action.
pub(super) type Alternative = [AllOf; 3];

const CATEGORIES: [&str; 3] = ["subject", "resource", "action"];

/// Why a target may let in more or less than the standard would; `None` when both read it alike.
///
/// The standard wants one `AllOf` of each `AnyOf`. The platform wants, per category, one `AllOf` of all of them.
pub(super) fn difference_from_standard(any_ofs: &[Vec<Alternative>]) -> Option<String> {
    let spread = (0..CATEGORIES.len()).find(|&category| {
        let mut with_category =
            any_ofs.iter().filter(|any_of| any_of.iter().any(|all_of| !all_of[category].is_empty()));
        with_category.nth(1).is_some()
    });
    if let Some(category) = spread {
        let category = CATEGORIES[category];
        return Some(format!(
            "{category} matches stand in several <AnyOf>; one of them suffices here, the standard wants all"
        ));
    }
    any_ofs.iter().any(|any_of| mixes_alternatives(any_of)).then(|| {
        "the <AllOf> elements of an <AnyOf> differ in more than one category; any combination of them suffices here, \
         the standard wants one of them whole"
            .to_owned()
    })
}

/// Whether alternatives differ in more than one category, or differ in one that some of them leave open.
fn mixes_alternatives(any_of: &[Alternative]) -> bool {
    let Some((first, rest)) = any_of.split_first() else { return false };
    let differing = |category: &usize| rest.iter().any(|other| other[*category] != first[*category]);
    let mut differing = (0..CATEGORIES.len()).filter(differing);
    match (differing.next(), differing.next()) {
        (None, _) => false,
        (Some(category), None) => any_of.iter().any(|alternative| alternative[category].is_empty()),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Alternative, difference_from_standard};

    fn alternative(subject: &[usize], resource: &[usize], action: &[usize]) -> Alternative {
        [subject.into(), resource.into(), action.into()]
    }

    fn differs(any_ofs: &[Vec<Alternative>]) -> bool {
        difference_from_standard(any_ofs).is_some()
    }

    #[test]
    fn a_category_per_any_of_reads_alike() {
        let subjects = vec![alternative(&[1], &[], &[]), alternative(&[2], &[], &[])];
        let resources = vec![alternative(&[], &[3, 4], &[])];
        assert!(!differs(&[subjects.clone(), resources]));
        assert!(differs(&[subjects.clone(), subjects]));
    }

    #[test]
    fn alternatives_that_mix_categories_read_alike_only_when_one_varies() {
        let same_resource = vec![alternative(&[], &[3], &[5]), alternative(&[], &[3], &[6])];
        assert!(!differs(&[same_resource]));
        let crossed = vec![alternative(&[], &[3], &[5]), alternative(&[], &[4], &[6])];
        assert!(differs(&[crossed]));
        let open_in_one = vec![alternative(&[], &[3], &[5]), alternative(&[], &[3], &[])];
        assert!(differs(&[open_in_one]));
    }
}
