//! Content in part and on conditions: what the original does not offer and nothing forbids (platform-storage §2.4.3, §6
//! row 23; RFC 9110 §13, §14).

use mottak_testkit::{Answer, Seed};
use sha2::Digest as _;

use crate::own::{attachment, instance};
use crate::{API, BACKINGS, own};

/// One content that the database keeps, and one that is an object.
const SIZES: [usize; 2] = [1_000, 200_000];

fn noise(size: usize) -> Vec<u8> {
    (0..size as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// The whole content is answered, with its length and the tag of its checksum.
fn assert_whole(answer: &Answer, content: &[u8]) {
    assert_eq!(answer.status, 200);
    assert!(answer.body == content);
    assert_eq!(answer.header("content-length"), Some(content.len().to_string().as_str()));
    assert_eq!(answer.header("content-range"), None);
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("etag"), Some(tag_of(content).as_str()));
}

fn tag_of(content: &[u8]) -> String {
    let digits: Vec<String> = sha2::Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{}\"", digits.concat())
}

#[tokio::test]
async fn a_range_answers_the_bytes_within_it_and_says_which() {
    for backing in BACKINGS {
        let world = own::world(backing);
        for (number, size) in (1..).zip(SIZES) {
            let content = noise(size);
            world.server.seed(Seed::of(instance(number)).with(attachment(number, number, 1), content.clone())).await;
            let path = format!("{API}/instances/{}/data/{}", instance(number).id, attachment(number, number, 1).id);
            let get = |range: &str| world.sophie().get(&path).header("range", range).send();
            assert_whole(&world.sophie().get(&path).send().await, &content);
            for (range, first, last) in [
                ("bytes=0-0", 0, 0),
                ("bytes=10-99", 10, 99),
                ("bytes=900-", 900, size - 1),
                ("bytes=-5", size - 5, size - 1),
                ("bytes=0-99999999999", 0, size - 1),
            ] {
                let answer = get(range).await.expect(206);
                assert!(answer.body == content[first..=last], "{range} of {size}");
                assert_eq!(answer.header("content-range"), Some(format!("bytes {first}-{last}/{size}").as_str()));
                assert_eq!(answer.header("content-length"), Some((last - first + 1).to_string().as_str()));
                assert_eq!(answer.header("content-type"), Some("application/pdf"));
                assert_eq!(answer.header("etag"), Some(tag_of(&content).as_str()));
            }
            for beyond in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
                let answer = get(&beyond).await.expect(416);
                assert_eq!(answer.header("content-range"), Some(format!("bytes */{size}").as_str()), "{beyond}");
                assert!(answer.body.is_empty());
            }
            for other in ["bytes=0-1,5-6", "bytes=5-1", "pages=1-2", "nonsense"] {
                assert_whole(&get(other).await, &content);
            }
        }
    }
}

#[tokio::test]
async fn conditions_are_about_the_content_as_it_is_now() {
    for backing in BACKINGS {
        let world = own::world(backing);
        let (old, new) = (noise(200_000), noise(150_000));
        world.server.seed(Seed::of(instance(1)).with(attachment(1, 1, 1), old.clone())).await;
        let path = format!("{API}/instances/{}/data/{}", instance(1).id, attachment(1, 1, 1).id);
        let get = || world.sophie().get(&path);
        let old_tag = tag_of(&old);

        let unchanged = get().header("if-none-match", &old_tag).send().await.expect(304);
        assert!(unchanged.body.is_empty());
        assert_eq!(unchanged.header("etag"), Some(old_tag.as_str()));
        assert_eq!(
            get().header("if-range", &old_tag).header("range", "bytes=5-9").send().await.expect(206).body,
            old[5..10]
        );
        get().header("if-match", &old_tag).send().await.expect(200);

        world.sophie().put(&path).body("application/pdf", new.clone()).send().await.expect(200);
        assert_whole(&get().header("if-none-match", &old_tag).send().await, &new);
        assert_whole(&get().header("if-range", &old_tag).header("range", "bytes=5-9").send().await, &new);
        assert!(get().header("if-match", &old_tag).send().await.expect(412).body.is_empty());
    }
}

#[tokio::test]
async fn a_part_of_what_may_not_be_read_is_refused_like_the_whole() {
    for backing in BACKINGS {
        let world = own::world(backing);
        world.server.seed(Seed::of(instance(1)).with(attachment(1, 1, 1), "secret")).await;
        let path = format!("{API}/instances/{}/data/{}", instance(1).id, attachment(1, 1, 1).id);
        for header in [("range", "bytes=0-0"), ("if-none-match", "*"), ("if-match", "\"x\"")] {
            let stranger = world.server.user(12345).get(&path).header(header.0, header.1);
            let answer = stranger.send().await.expect(403);
            assert_eq!(answer.header("etag"), None);
            let nobody = world.server.anonymous().get(&path).header(header.0, header.1);
            nobody.send().await.expect(401);
        }
    }
}
