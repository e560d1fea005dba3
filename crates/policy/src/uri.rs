//! Absolute URIs, compared with scheme and host in any letter case.

/// An absolute URI in the form in which two of them are compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Uri {
    scheme: String,
    /// User and host (host in lower case) and port, unless the port is the scheme's own. `None` for `urn:` and the like.
    authority: Option<String>,
    /// Path, query and fragment. An empty path under an authority is `/`.
    rest: String,
}

impl Uri {
    /// Reads an absolute URI; `None` for a relative one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(':')?;
        let well_formed = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        well_formed.then_some(())?;
        let scheme = scheme.to_ascii_lowercase();
        let Some(hierarchical) = rest.strip_prefix("//") else {
            return Some(Self { scheme, authority: None, rest: rest.to_owned() });
        };
        let end = hierarchical.find(['/', '?', '#']).unwrap_or(hierarchical.len());
        let (authority, path) = hierarchical.split_at(end);
        let rest = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let authority = Some(normal_authority(&scheme, authority));
        Some(Self { scheme, authority, rest })
    }
}

fn normal_authority(scheme: &str, authority: &str) -> String {
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let host = host.strip_suffix(own_port).unwrap_or(host).to_ascii_lowercase();
    user.map_or(host.clone(), |user| format!("{user}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::Uri;

    #[test]
    fn scheme_host_and_default_port_do_not_distinguish() {
        assert_eq!(Uri::parse("HTTP://Example.org:80"), Uri::parse("http://example.org/"));
        assert_ne!(Uri::parse("http://example.org/A"), Uri::parse("http://example.org/a"));
        assert_ne!(Uri::parse("urn:a:B"), Uri::parse("urn:a:b"));
    }

    #[test]
    fn a_relative_reference_is_no_uri() {
        assert_eq!(Uri::parse("record/patient"), None);
        assert_eq!(Uri::parse(""), None);
    }
}
