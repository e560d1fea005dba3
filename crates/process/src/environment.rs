//! Values that differ between development, test and production.
//!
//! Contract: `app-process.md` §1.3.

/// The class of environment an app runs in. The granularity of environment-specific values is the class: `tt02` and
/// `at22` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    Development,
    Staging,
    Production,
}

impl Environment {
    pub const ALL: [Self; 3] = [Self::Development, Self::Staging, Self::Production];

    /// The class an environment's name belongs to, in any case; `None` for a name nobody uses.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "development" | "dev" | "local" | "localtest" => Some(Self::Development),
            "staging" | "test" | "at22" | "at23" | "at24" | "tt02" | "yt01" => Some(Self::Staging),
            "production" | "prod" | "produksjon" => Some(Self::Production),
            _ => None,
        }
    }
}

/// A value that may be given once for all environments and once for each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerEnvironment<T> {
    everywhere: Option<T>,
    specific: Vec<(Environment, T)>,
}

impl<T> Default for PerEnvironment<T> {
    fn default() -> Self {
        Self { everywhere: None, specific: Vec::new() }
    }
}

impl<T> PerEnvironment<T> {
    /// The value for `environment`: its own, else the one given for all, else none.
    pub fn in_environment(&self, environment: Environment) -> Option<&T> {
        let own = self.specific.iter().find(|(class, _)| *class == environment);
        own.map(|(_, value)| value).or(self.everywhere.as_ref())
    }

    /// Whether no environment has a value.
    pub fn is_empty(&self) -> bool {
        self.everywhere.is_none() && self.specific.is_empty()
    }

    /// Every value, whatever its environment.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.everywhere.iter().chain(self.specific.iter().map(|(_, value)| value))
    }

    /// Gives `environment` (`None`: all of them) a value, in place of an earlier one.
    pub(crate) fn set(&mut self, environment: Option<Environment>, value: T) {
        match environment {
            None => self.everywhere = Some(value),
            Some(class) => match self.specific.iter_mut().find(|(own, _)| *own == class) {
                Some((_, earlier)) => *earlier = value,
                None => self.specific.push((class, value)),
            },
        }
    }
}

impl<T> PerEnvironment<Vec<T>> {
    /// Adds to the list of `environment` (`None`: the list of all of them).
    pub(crate) fn extend(&mut self, environment: Option<Environment>, values: Vec<T>) {
        let list = match environment {
            None => self.everywhere.as_mut(),
            Some(class) => self.specific.iter_mut().find(|(own, _)| *own == class).map(|(_, list)| list),
        };
        match list {
            Some(list) => list.extend(values),
            None => self.set(environment, values),
        }
    }
}

#[cfg(test)]
mod tests {
    use mottak_testing::covers;

    use super::*;

    #[test]
    fn environments_of_one_class_are_the_same() {
        let _rows = covers("app-process", &["13"]);
        let mut value = PerEnvironment::default();
        value.set(Environment::named("tt02"), "staging");
        assert_eq!(Environment::named("AT22").and_then(|at22| value.in_environment(at22)), Some(&"staging"));
        assert_eq!(value.in_environment(Environment::Production), None);
    }

    #[test]
    fn specific_value_wins_over_the_global_one() {
        let _rows = covers("app-process", &["14"]);
        let mut value = PerEnvironment::default();
        value.set(None, "global");
        value.set(Some(Environment::Production), "earlier");
        value.set(Some(Environment::Production), "production");
        assert_eq!(value.in_environment(Environment::Production), Some(&"production"));
        assert_eq!(value.in_environment(Environment::Development), Some(&"global"));
    }

    #[test]
    fn lists_of_one_environment_are_joined() {
        let mut list = PerEnvironment::default();
        list.extend(None, vec![1]);
        list.extend(Some(Environment::Staging), vec![2]);
        list.extend(Some(Environment::Staging), vec![3]);
        assert_eq!(list.in_environment(Environment::Staging), Some(&vec![2, 3]));
        assert_eq!(list.in_environment(Environment::Production), Some(&vec![1]));
    }
}
