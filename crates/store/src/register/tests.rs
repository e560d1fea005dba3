//! The built-in identities, and the folder they agree with.

use std::fs;
use std::path::Path;

use mottak_model::PartyId;
use mottak_service::ports::Register;

use super::TestRegister;

fn party(id: i32) -> PartyId {
    PartyId::new(id)
}

#[test]
fn the_built_in_identities_agree_with_the_shared_test_data() {
    let Some(dir) = mottak_testing::shared("data/testdata") else {
        println!("skipped: the shared test data is not here");
        return;
    };
    let loaded = TestRegister::load(&dir).unwrap_or_else(|problems| panic!("{problems}"));
    let builtin = TestRegister::builtin();
    assert_eq!(loaded.profiles, builtin.profiles);
    assert_eq!(loaded.party_lists, builtin.party_lists);
    assert_eq!(loaded.roles, builtin.roles);
    assert_eq!(loaded.organizations, builtin.organizations);
    assert!(loaded == builtin);
    println!(
        "{} users, {} parties, {} persons, {} organisations, {} lists of roles agree",
        builtin.profiles.len(),
        builtin.parties.len(),
        builtin.persons.len(),
        builtin.organizations.len(),
        builtin.roles.len()
    );
}

#[test]
fn parties_are_joined_with_persons_and_organisations() {
    let register = TestRegister::builtin();
    let fitness = register.party(party(500_000)).unwrap().unwrap();
    assert_eq!(fitness.name.as_deref(), Some("DDG Fitness"));
    assert_eq!(fitness.organization.as_ref().and_then(|it| it.name.as_deref()), Some("DDG Fitness"));
    assert!(fitness.person.is_none() && fitness.child_parties.is_none());
    assert_eq!(register.party_by_org_number("897069650").unwrap().unwrap(), fitness);
    assert_eq!(register.party_by_uuid(fitness.party_uuid.unwrap()).unwrap().unwrap(), fitness);

    let sophie = register.party_by_ssn("01039012345").unwrap().unwrap();
    assert_eq!(sophie.party_id, party(501_337));
    assert_eq!(sophie.person.as_ref().and_then(|it| it.last_name.as_deref()), Some("Salt"));
    let profile = register.profile(1337).unwrap().unwrap();
    assert_eq!((&profile.party, profile.user_uuid), (&*sophie, sophie.party_uuid));
    assert_eq!(profile.profile_setting_preference.language.as_deref(), Some("nn"));

    // The person's file is missing on purpose.
    assert_eq!(register.profile(2002).unwrap().unwrap().party.person, None);
}

#[test]
fn the_key_of_an_organisation_decides_not_its_record() {
    let register = TestRegister::builtin();
    let organization = register.organization("910423495").unwrap().unwrap();
    assert_eq!(organization.org_number.as_deref(), Some("923609016"));
    assert_eq!(register.organization("923609016").unwrap(), None);
    assert_eq!(register.party_by_org_number("910423495").unwrap().unwrap().party_id, party(500_802));
}

#[test]
fn a_party_list_is_in_display_order_with_sub_units_below() {
    let register = TestRegister::builtin();
    let list = register.party_list(1337).unwrap();
    let ids: Vec<_> = list.iter().map(|party| party.party_id.get()).collect();
    assert_eq!(ids, [501_337, 500_000, 500_600, 500_700, 500_800, 500_801, 500_802, 500_004]);
    assert_eq!(list[1].name.as_deref(), Some("DDG Fitness AS"));
    let children: Vec<_> = list[1].child_parties.iter().flatten().map(|party| party.party_id.get()).collect();
    assert_eq!(children, [500_001, 500_002, 500_003]);
    assert!(list.iter().all(|party| party.person.is_none() && party.organization.is_none()));
    assert!(register.party_list(999_999).unwrap().is_empty());
}

#[test]
fn roles_are_per_user_and_party() {
    let register = TestRegister::builtin();
    assert!(register.roles(1337, party(500_000)).unwrap().contains(&"DAGL".to_owned()));
    assert_eq!(*register.roles(1001, party(500_000)).unwrap(), ["A0239", "A0240", "A0241"]);
    assert!(register.roles(2001, party(500_700)).unwrap().is_empty());
}

#[test]
fn names_of_users_are_matched_without_regard_to_case() {
    let register = TestRegister::builtin();
    let profile = register.profile_by_username("SELVREGISTRERT").unwrap().unwrap();
    assert_eq!((profile.user_id, profile.user_type), (1004, 2));
    assert_eq!(register.party_by_username("selvregistrert").unwrap().unwrap().party_id, party(510_004));
    assert_eq!(register.party_by_username("SophieDDG").unwrap(), None, "not self-identified");
}

#[test]
fn application_owners_and_system_users_are_found() {
    let register = TestRegister::builtin();
    assert_eq!(register.org_number_of("TTD").unwrap().as_deref(), Some("405003309"));
    assert_eq!(register.org_number_of("digdir").unwrap().as_deref(), Some("991825827"));
    assert_eq!(register.org_number_of("xyz").unwrap(), None);
    let id = "d111dbab-d619-4f15-bf29-58fe570a9ae6".parse().unwrap();
    let system_user = register.system_user(id).unwrap().unwrap();
    assert_eq!((&*system_user.system_id, &*system_user.org_number), ("913312465_sbs", "950474084"));
    assert_eq!(system_user.actions.len(), 7);
    assert_eq!(register.extra_claims(1337), [("some:extra:claim".to_owned(), "claimValue".to_owned())]);
    assert_eq!(register.organization_numbers().next(), Some("043871668"));
}

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn compat_names_in_any_case_and_quoted_numbers_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "Register/Party/7.json", r#"{"PARTYID":"7","PartyTypeName":"1","SSN":"123","Name":"N"}"#);
    write(dir.path(), "Register/Person/123.json", r#"{"FIRSTNAME":"Kari","mobileNumber":12}"#);
    write(dir.path(), "Profile/User/1.json", r#"{"userid":1,"USERNAME":"U","partyid":"7","userType":"2"}"#);
    let register = TestRegister::load(dir.path()).unwrap();
    let profile = register.profile(1).unwrap().unwrap();
    assert_eq!((profile.party_id, profile.user_type), (party(7), 2));
    let person = profile.party.person.as_ref().unwrap();
    assert_eq!((person.first_name.as_deref(), person.mobile_number.as_deref()), (Some("Kari"), Some("12")));
    let list = register.party_list(1).unwrap();
    assert_eq!(list.iter().map(|party| party.party_id).collect::<Vec<_>>(), [party(7)], "without a list the own party");
    assert!(list[0].person.is_none());
}

#[test]
fn all_problems_are_reported_by_file() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "Register/Party/x.json", "{}");
    write(dir.path(), "Register/Party/8.json", r#"{"partyId":8,"partyTypeName":9}"#);
    write(dir.path(), "Profile/User/1.json", r#"{"partyId":404}"#);
    write(dir.path(), "Profile/User/2.json", "{");
    write(dir.path(), "authorization/roles/User_1/party_y/roles.json", "[]");
    let problems = TestRegister::load(dir.path()).unwrap_err();
    let text = problems.to_string();
    for expected in [
        "x.json: its name \"x\" is no number",
        "8.json: 9 is no party type",
        "1.json: there is no party 404",
        "2.json: EOF",
        "party_y: its name \"y\" is no number",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert_eq!(problems.0.len(), 5);
    let empty = tempfile::tempdir().unwrap();
    assert!(TestRegister::load(empty.path()).unwrap_err().to_string().contains("no users are here"));
}
