//! What the fuzz targets check (fuzz/), on their seeds and on what becomes of these when they are cut and joined.

use std::path::Path;

use proptest::prelude::*;

#[path = "../../../../fuzz/checks/fields.rs"]
mod fields;
#[path = "../../../../fuzz/checks/texts.rs"]
mod texts;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Pieces of seeds, one behind the other.
fn crossed(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = seeds(target);
    let piece = (prop::sample::select(seeds), any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let piece = piece.prop_map(|(seed, from, to)| {
        let (from, to) = (from.index(seed.len() + 1), to.index(seed.len() + 1));
        seed[from.min(to)..from.max(to)].to_vec()
    });
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

#[test]
fn what_is_found_by_fuzzing_stays_mended() {
    for seed in seeds("fields") {
        fields::check(&seed);
    }
    for seed in seeds("texts") {
        texts::check(&seed);
    }
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn fields_that_are_cut_and_joined_say_just_what_they_say(data in crossed("fields")) {
        fields::check(&data);
    }

    #[test]
    fn texts_that_are_cut_and_joined_are_refused_or_mean_one_thing(data in crossed("texts")) {
        texts::check(&data);
    }
}
