//! The frame of the developers' pages, and text as HTML.

/// A whole page. `body` is HTML, `title` text.
pub(super) fn document(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mottak – {title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }}
nav a {{ margin-right: 1rem; }}
label {{ display: block; margin-top: 1rem; font-weight: 600; }}
select, input, textarea {{ width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; }}
textarea, code, td {{ font-family: ui-monospace, monospace; overflow-wrap: anywhere; }}
button {{ font: inherit; padding: .5rem 1rem; margin: 1rem .5rem 0 0; }}
:focus-visible {{ outline: 3px solid #0062ba; outline-offset: 2px; }}
fieldset {{ margin: 1.5rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0; }}
</style>
</head>
<body>
<nav aria-label="Pages"><a href="/">Test login</a> <a href="/Home/Tokens">Test tokens</a></nav>
<main>
<h1>{title}</h1>
{body}</main>
</body>
</html>
"#
    )
}

/// An entry of a list to choose from.
pub(super) fn push_option(html: &mut String, value: &str, text: &str, is_selected: bool) {
    let selected = if is_selected { " selected" } else { "" };
    html.push_str(&format!("<option value=\"{}\"{selected}>{}</option>\n", escaped(value), escaped(text)));
}

/// The text as HTML, in elements and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, character| {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
        html
    })
}
