//! Paths in the spelling the router knows: literals are matched in any letter case, a slash at the end is accepted
//! (platform-storage §0.1, app-api §1.1). What stands for a parameter is left as it is.

/// The patterns of all routes.
#[derive(Clone, Debug)]
pub struct Patterns(Vec<Vec<&'static str>>);

impl Patterns {
    /// From paths such as `/{org}/{app}/instances`.
    pub(crate) fn of(paths: impl Iterator<Item = &'static str>) -> Self {
        let mut patterns: Vec<Vec<&'static str>> = paths.map(|path| segments(path).collect()).collect();
        patterns.sort();
        patterns.dedup();
        // More literals first, so that `data/type` is not taken for a parameter.
        patterns.sort_by_key(|pattern| pattern.iter().filter(|segment| is_parameter(segment)).count());
        Self(patterns)
    }

    /// The path as the router spells it, when that differs.
    pub(crate) fn canonical(&self, path: &str) -> Option<String> {
        let needs_look = path.len() > 1 && path.ends_with('/') || path.bytes().any(|byte| byte.is_ascii_uppercase());
        if !needs_look {
            return None;
        }
        let asked: Vec<&str> = segments(path.trim_end_matches('/')).collect();
        let pattern = self.0.iter().find(|pattern| {
            pattern.len() == asked.len()
                && pattern.iter().zip(&asked).all(|(literal, segment)| {
                    is_parameter(literal) && !segment.is_empty() || literal.eq_ignore_ascii_case(segment)
                })
        })?;
        let mut canonical = String::with_capacity(path.len());
        for (literal, segment) in pattern.iter().zip(&asked) {
            canonical.push('/');
            canonical.push_str(if is_parameter(literal) { segment } else { literal });
        }
        if canonical.is_empty() {
            canonical.push('/');
        }
        (canonical != path).then_some(canonical)
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_respelled_and_parameters_kept() {
        let patterns = Patterns::of(
            [
                "/{org}/{app}/instances/{party}/{guid}/data/type/{dataType}",
                "/{org}/{app}/instances/{party}/{guid}/data/{id}",
            ]
            .into_iter(),
        );
        assert_eq!(
            patterns.canonical("/ttd/App/Instances/1/g/DATA/Type/Model/").as_deref(),
            Some("/ttd/App/instances/1/g/data/type/Model")
        );
        assert_eq!(patterns.canonical("/ttd/app/instances/1/g/data/Model"), None);
        assert_eq!(patterns.canonical("/ttd/app/instances/1/g/data/x"), None);
        assert_eq!(patterns.canonical("/ttd/app/Elsewhere"), None);
    }
}
