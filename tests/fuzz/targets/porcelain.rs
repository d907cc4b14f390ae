//! Any bytes as what `git ls-remote` and `git push --porcelain` print: nothing
//! panics, a listing is read whole or not at all, and what is said of a
//! failure is fit for a terminal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rel::store::fuzzing;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Some(tips) = fuzzing::tips(&text) {
        assert_eq!(text.lines().any(|line| !line.is_empty()), !tips.is_empty());
        for (name, tip) in &tips {
            assert!(text.lines().any(|line| line.eq_ignore_ascii_case(&format!("{tip}\t{name}"))));
        }
        let listing: String = tips.iter().map(|(name, tip)| format!("{tip}\t{name}\n")).collect();
        // Written again, a name that ends in a carriage return would lose it to the end of its line.
        let is_kept = tips.keys().all(|name| !name.ends_with('\r'));
        assert!(!is_kept || fuzzing::tips(&listing) == Some(tips));
    }
    let rejections = fuzzing::rejections(&text);
    assert_eq!(rejections.lines().count(), text.lines().filter(|line| is_rejection(line)).count());
    for failure in fuzzing::whys(data).into_iter().chain(fuzzing::whys(rejections.as_bytes())) {
        let said = failure.source.map(|source| source.to_string()).unwrap_or_default();
        for words in failure.hints.iter().chain([&failure.message, &said]) {
            assert!(!words.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{words:?}");
        }
        assert!(!failure.message.is_empty() && !said.is_empty());
    }
});

fn is_rejection(line: &str) -> bool {
    line.strip_prefix("!\t").is_some_and(|rest| rest.contains('\t'))
}
