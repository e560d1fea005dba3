//! What goes in comes out: files of many sizes, in both kinds of store, with and without a length.

use crate::world::{World, expect_status, noise, pieces, text};

/// Around the sizes at which a store or the server treats bodies otherwise: 16 KB and 64 KB.
const SIZES: [usize; 11] = [1, 2, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 65_600, 131_073, 3 * 1_048_576];

#[tokio::test]
async fn files_of_every_size_come_back_byte_for_byte() {
    for world in [World::journal().await, World::journal_on_disk().await] {
        for (seed, size) in (1..).zip(SIZES) {
            let bytes = noise(seed, size);
            let announced = world.add_file("vedlegg", "a.bin", "application/octet-stream", bytes.clone()).await;
            let chunked = world.post("vedlegg").header("content-disposition", "attachment; filename=b.bin");
            let chunked = chunked.chunked("application/octet-stream", pieces(bytes.clone(), 10_007)).send().await;
            let chunked = text(&chunked.expect(200).json()["newDataElementId"]);
            for id in [&announced, &chunked] {
                let got = world.user.get(world.url(&format!("data/{id}"))).send().await.expect(200);
                assert!(got.body == bytes, "{size} bytes come back otherwise");
                assert_eq!(got.header("content-length"), Some(size.to_string().as_str()));
                assert!(world.stored(id).await == bytes);
            }
            let all = world.elements("vedlegg").await;
            assert!(all[all.len() - 2..].iter().all(|element| element["size"] == size));

            // The same bytes backwards in place of them, first one way and then the other.
            let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
            let put = world.put(&announced).file("c.bin", "application/octet-stream", reversed.clone()).send().await;
            expect_status(&put, 201);
            assert!(world.stored(&announced).await == reversed);
            let put = world.put(&announced).header("content-disposition", "attachment; filename=d.bin");
            let put = put.chunked("application/octet-stream", pieces(bytes.clone(), 4096)).send().await;
            assert_eq!(put.expect(201).json()["size"], size);
            assert!(world.stored(&announced).await == bytes);
        }
    }
}

#[tokio::test]
async fn a_file_is_answered_in_part_and_on_conditions() {
    for world in [World::journal().await, World::journal_on_disk().await] {
        for size in [1_000, 200_000] {
            let bytes = noise(9, size);
            let id = world.add_file("vedlegg", "a.bin", "application/octet-stream", bytes.clone()).await;
            let get = || world.user.get(world.url(&format!("data/{id}")));
            let whole = get().send().await.expect(200);
            assert_eq!(whole.header("accept-ranges"), Some("bytes"));
            let tag = whole.header("etag").expect("the tag of the content").to_owned();

            let part = get().header("range", "bytes=100-199").header("if-range", &tag).send().await.expect(206);
            assert!(part.body == bytes[100..200]);
            assert_eq!(part.header("content-range"), Some(format!("bytes 100-199/{size}").as_str()));
            assert_eq!(get().header("if-none-match", &tag).send().await.expect(304).body.len(), 0);
            let beyond = get().header("range", &format!("bytes={size}-")).send().await.expect(416);
            assert_eq!(beyond.header("content-range"), Some(format!("bytes */{size}").as_str()));
        }
    }
}

#[tokio::test]
async fn a_large_form_comes_back_byte_for_byte() {
    for world in [World::journal().await, World::journal_on_disk().await] {
        let sak = world.only("sak").await;
        for length in [10_000, 70_000, 2_000_000] {
            let name: String = noise(7, length).iter().map(|byte| char::from(b'a' + byte % 26)).collect();
            world.put_json(&sak, &serde_json::json!({"navn": name, "belop": 1})).await;
            assert!(world.stored_text(&sak).await.contains(&format!("<navn>{name}</navn>")));
            assert_eq!(world.form(&sak).await["navn"], name);
        }
    }
}

#[tokio::test]
async fn every_byte_is_possible_in_a_file() {
    let world = World::journal().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(1024).collect();
    for content_type in ["text/plain", "application/xml", "application/json", "image/png"] {
        let id = world.add_file("vedlegg", "a.b", content_type, bytes.clone()).await;
        let got = world.user.get(world.url(&format!("data/{id}"))).accept("application/json").send().await.expect(200);
        assert!(got.body == bytes, "{content_type}");
        assert_eq!(got.header("content-type"), Some(content_type));
    }
}
