//! The store's `.proto`, for callers in other languages.

use rpc_runtime::UserStub;
use store_app::interface::StoreClient;

/// The file says what the interface says.
#[test]
fn the_proto_is_fresh() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto/store/v1/store.proto");
    let text = StoreClient::interface().to_proto();
    if std::env::var_os("GOLDEN").is_some_and(|word| word == "write") {
        std::fs::write(PATH, &text).expect("the file can be written");
    }
    let found = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        found == text,
        "the interface has changed since {PATH} was written. Renew it: `GOLDEN=write cargo test -p store-app --test proto`; \
         then look at the difference: what breaks callers in other languages shows there"
    );
}
