//! The pages on which a developer chooses whom to be and gets tokens (platform-authentication §5.2).

use mottak_testkit::TestServer;

use crate::world::{claims, get_as, make, server};

/// A server with an app that asks for no level, and one that asks for level 3.
fn two_apps() -> TestServer {
    let root = mottak_testing::repository_root();
    let apps = [root.join("apps/kulturstotte"), root.join("crates/web/tests/apps/adgang")];
    TestServer::builder().apps(apps).with_local().build()
}

/// What stands between two texts of a page.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from} in {page}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} after {from}")).0
}

#[tokio::test]
async fn the_start_page_offers_every_app_and_the_level_of_the_one_that_is_wanted() {
    let server = two_apps();
    for (goto, app) in [
        ("", "ttd/adgang"),
        ("/ttd/kulturstotte/%23/x", "ttd/kulturstotte"),
        ("http%3A%2F%2Flocalhost%2Fttd%2Fkulturstotte", "ttd/kulturstotte"),
        ("http%3A%2F%2Flocalhost%2Fttd%2Fadgang%2F", "ttd/adgang"),
        ("http%3A%2F%2Flocalhost%2Fttd%2Fadgang2", "ttd/adgang"),
    ] {
        let page = server.anonymous().get(format!("/?goto={goto}")).send().await.expect(200).text();
        let apps = between(&page, "id=\"AppPathSelection\"", "</select>");
        assert_eq!(apps.matches("<option").count(), 2, "{goto}");
        assert!(apps.contains(&format!("<option value=\"{app}\" selected>{app}</option>")), "{goto}: {apps}");
        let levels = between(&page, "id=\"AuthenticationLevel\"", "</select>");
        let asked = server.anonymous().get(format!("/Home/GetAppAuthenticationLevel?appId={app}")).send().await;
        assert!(levels.contains(&format!("<option value=\"{}\" selected>", asked.text())), "{goto}: {levels}");
    }
    let asked = server.anonymous().get("/Home/GetAppAuthenticationLevel?appId=ttd/adgang").send().await;
    assert_eq!(asked.text(), "3", "of the policy");
}

#[tokio::test]
async fn the_token_page_gives_a_token_and_shows_what_it_says() {
    let server = server();
    let (instance, _) = make(&server, 501_337).await;
    let query = "type=User&userId=1337&authenticationLevel=3&scope=altinn:portal/enduser";
    let answer = server.anonymous().get(format!("/Home/Tokens?{query}")).send().await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let page = answer.text();
    let token = between(&page, "readonly autofocus>", "</textarea>");
    assert_eq!(get_as(&server, token, &instance).await.status, 200);
    assert_eq!(claims(token)["urn:altinn:authlevel"], 3);
    for (name, value) in
        [("urn:altinn:userid", "1337"), ("scope", "altinn:portal/enduser"), ("actual_iss", "localtest")]
    {
        assert!(page.contains(&format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>")), "{name}");
    }
}

#[tokio::test]
async fn the_token_page_has_a_form_for_each_kind_and_says_what_is_wrong() {
    let server = server();
    let page = server.anonymous().get("/Home/Tokens").send().await.expect(200).text();
    assert!(!page.contains("<textarea") && !page.contains("role=\"alert\""));
    for (kind, field) in [("User", "name=\"userId\""), ("ServiceOwner", "name=\"org\"")] {
        let form = between(&page, &format!("name=\"type\" value=\"{kind}\""), "</form>");
        assert!(form.contains(field), "{kind}");
    }
    assert!(page.contains("<option value=\"1337\">Sophie Salt (1337)</option>"));
    for id in ["person", "level", "person-scope", "org", "org-number", "owner-scope"] {
        assert!(page.contains(&format!("<label for=\"{id}\">")) && page.contains(&format!(" id=\"{id}\"")), "{id}");
    }
    let wrong = server.anonymous().get("/Home/Tokens?type=User&userId=1").send().await.expect(200).text();
    assert!(between(&wrong, "role=\"alert\"", "</p>").contains("Failed to generate user token"));
    let scope = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for query in [format!("type=User&userId=1337&scope={scope}"), format!("type={scope}")] {
        let page = server.anonymous().get(format!("/Home/Tokens?{query}")).send().await.expect(200).text();
        assert!(!page.contains("<script>alert"), "{query}");
    }
}
