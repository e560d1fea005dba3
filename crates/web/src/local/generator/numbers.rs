//! Numbers of persons and organisations that nobody has, with check digits that are right.

use mottak_service::ports::Ids;

/// A national identity number as synthetic persons have them: 80 is added to the month.
pub(super) fn person(ids: &dyn Ids) -> String {
    loop {
        let mut random = random(ids);
        let mut next = |below: u128| {
            let value = random % below;
            random /= below;
            value
        };
        let (day, month, year) = (next(28) + 1, next(12) + 81, next(60) + 40);
        // Numbers below 500 are of those who were born in 1900 to 1999.
        let first = format!("{day:02}{month:02}{year:02}{:03}", next(500));
        let Some(tenth) = check_digit(&first, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) else { continue };
        let first = format!("{first}{tenth}");
        let Some(eleventh) = check_digit(&first, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) else { continue };
        return format!("{first}{eleventh}");
    }
}

/// An organisation number as synthetic organisations have them: 3 comes first.
pub(super) fn organisation(ids: &dyn Ids) -> String {
    loop {
        let first = format!("3{:07}", random(ids) % 10_000_000);
        if let Some(last) = check_digit(&first, &[3, 2, 7, 6, 5, 4, 3, 2]) {
            return format!("{first}{last}");
        }
    }
}

/// A number from `from` on and below `to`.
pub(super) fn between(ids: &dyn Ids, from: i32, to: i32) -> i32 {
    let span = u128::from(to.abs_diff(from).max(1));
    from + i32::try_from(random(ids) % span).expect("less than the distance of two such numbers")
}

/// 43 characters of base64url.
pub(super) fn token_id(ids: &dyn Ids) -> String {
    use base64::Engine as _;
    let bytes = [ids.guid().into_bytes(), ids.guid().into_bytes()].concat();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn random(ids: &dyn Ids) -> u128 {
    // The low bits of an identifier are random in all its versions; odd, so that the product keeps what they say.
    ids.guid().as_u128().wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) >> 16
}

/// The digit that follows, by modulus 11; `None` where no number has these digits.
fn check_digit(digits: &str, weights: &[u32]) -> Option<u32> {
    let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use mottak_service::ports::{RandomIds, SequentialIds};

    use super::*;

    #[test]
    fn check_digits_are_those_of_known_numbers() {
        for known in ["991825827", "950474084", "913312465"] {
            let (first, last) = known.split_at(8);
            assert_eq!(
                check_digit(first, &[3, 2, 7, 6, 5, 4, 3, 2]).map(|digit| digit.to_string()).as_deref(),
                Some(last)
            );
        }
        for known in ["17858296439", "08829698278"] {
            let digit = |length: usize, weights: &[u32]| {
                assert_eq!(check_digit(&known[..length], weights), known[length..=length].parse().ok());
            };
            digit(9, &[3, 7, 6, 1, 8, 9, 4, 5, 2]);
            digit(10, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
        }
    }

    #[test]
    fn numbers_are_synthetic_and_differ() {
        for ids in [&RandomIds as &dyn Ids, &SequentialIds::default()] {
            let persons: HashSet<String> = (0..200).map(|_| person(ids)).collect();
            assert!(persons.len() > 190, "{}", persons.len());
            assert!(persons.iter().all(|number| number.len() == 11 && matches!(number.as_bytes()[2], b'8' | b'9')));
            let organisations: HashSet<String> = (0..200).map(|_| organisation(ids)).collect();
            assert!(organisations.len() > 190);
            assert!(organisations.iter().all(|number| number.len() == 9 && number.starts_with('3')));
            assert!((0..200).map(|_| between(ids, 1000, 9999)).all(|number| (1000..9999).contains(&number)));
            assert_eq!(token_id(ids).len(), 43);
        }
    }
}
