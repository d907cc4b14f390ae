//! `rel help`: the topics that are no verbs.

use serde_json::Value;

use crate::repo::Shop;

#[test]
fn the_topic_json_names_its_schema_and_the_schema_is_one_of_every_document() {
    let shop = Shop::new();
    let ana = shop.ana();
    let text = ana.rel(&["help", "json"]).ok().stdout;
    assert!(text.contains("rel help json --schema"), "{text}");
    assert_eq!(ana.rel(&["help", "json", "--json"]).ok().json()["text"], text);
    let schema: Value = serde_json::from_str(&ana.rel(&["help", "json", "--schema"]).ok().stdout).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    for document in ["CutReport", "StatusReport", "FailureDocument"] {
        assert!(schema["$defs"][document].is_object(), "{document}");
    }
}
