//! The shelf alone, without a network.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::interface::{CustomerId, Digest, LoanId, PIECE_BYTES, Supply, SupplyId};

const LIMITS: Limits = Limits { bytes_max: 1 << 20, loans_max: 2 };
const ANNA: CustomerId = CustomerId(1);
const BERT: CustomerId = CustomerId(2);

fn part() -> Part {
    "a-m".parse().expect("a part")
}

fn shelf() -> (Shelf, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let shelf = Shelf::open(&dir.path().join("shelf.redb"), part(), LIMITS).expect("a new shelf");
    (shelf, dir)
}

fn id() -> OperationId {
    OperationId::random()
}

fn announced(title: &str, contents: &[u8], copies: u32) -> Supply {
    let digest = Digest(Sha256::digest(contents).into());
    Supply { title: title.into(), bytes: contents.len() as u64, digest, copies }
}

fn bring(shelf: &Shelf, supply: SupplyId, contents: &[u8]) {
    for (piece, bytes) in contents.chunks(PIECE_BYTES as usize).enumerate() {
        shelf.supply_piece(supply, piece as u32, bytes).expect("it fits");
    }
}

fn supply(shelf: &Shelf, title: &str, contents: &[u8], copies: u32) {
    let supply = shelf.supply_begin(id(), &announced(title, contents, copies)).expect("there is room");
    bring(shelf, supply, contents);
    shelf.supply_commit(id(), supply).expect("all is there");
}

/// What was supplied can be lent, played piece by piece and returned, and the audit counts it all.
#[test]
fn an_object_is_supplied_lent_played_and_returned() {
    let (shelf, _dir) = shelf();
    let contents: Vec<u8> = (0..PIECE_BYTES as u32 * 2 + 77).map(|number| number as u8).collect();
    supply(&shelf, "dune", &contents, 1);
    let loan = shelf.check_out(id(), ANNA, "dune").expect("a copy is there");
    assert_eq!(loan.bytes, contents.len() as u64);
    let played: Vec<u8> = (0..4).flat_map(|piece| shelf.play(loan.loan, piece).expect("it is lent")).collect();
    assert_eq!(played, contents);
    assert_eq!(shelf.loan(loan.loan).expect("it is lent"), loan);
    shelf.return_loan(id(), loan.loan).expect("it was lent");
    assert_eq!(shelf.return_loan(id(), loan.loan), Err(StoreError::NoSuchLoan));
    assert_eq!(shelf.play(loan.loan, 0), Err(StoreError::NoSuchLoan));

    let audit = shelf.audit().expect("readable");
    assert_eq!((audit.loans, audit.check_out.done, audit.double_executions), (0, 1, 0));
    assert_eq!((audit.return_loan.done, audit.return_loan.refused), (1, 1));
    let [holding] = &audit.holdings[..] else { panic!("one object: {audit:?}") };
    assert_eq!((holding.copies, holding.lent, holding.digest), (1, 0, loan.digest));
}

/// The store refuses beyond its limits, each time with the reason.
#[test]
fn limits_are_kept() {
    let (shelf, _dir) = shelf();
    supply(&shelf, "alpha", b"a", 3);
    supply(&shelf, "beta", b"b", 1);
    assert_eq!(
        shelf.check_out(id(), ANNA, "nemo"),
        Err(StoreError::WrongPart { title: "nemo".into(), part: "a-m".into() })
    );
    assert_eq!(shelf.check_out(id(), ANNA, "kim"), Err(StoreError::NoSuchTitle { title: "kim".into() }));
    shelf.check_out(id(), ANNA, "alpha").expect("three copies");
    shelf.check_out(id(), ANNA, "beta").expect("one copy");
    assert_eq!(shelf.check_out(id(), ANNA, "alpha"), Err(StoreError::LimitReached { loans_max: 2 }));
    assert_eq!(shelf.check_out(id(), BERT, "beta"), Err(StoreError::AllCopiesOut { title: "beta".into(), copies: 1 }));
    shelf.check_out(id(), BERT, "alpha").expect("his own limit");
    let large = announced("huge", &[0; 600_000], 2);
    assert!(matches!(shelf.supply_begin(id(), &large), Err(StoreError::CapacityExceeded { bytes: 1_200_000, .. })));
}

/// A restart continues: objects, loans, half-brought supplies and executions are there; loan numbers go on.
#[test]
fn a_restart_continues() {
    let (shelf, dir) = shelf();
    supply(&shelf, "alpha", b"aaaa", 2);
    let operation = id();
    let loan = shelf.check_out(operation, ANNA, "alpha").expect("two copies");
    let half = shelf.supply_begin(id(), &announced("half", b"half", 1)).expect("there is room");
    drop(shelf);
    let shelf = Shelf::open(&dir.path().join("shelf.redb"), part(), LIMITS).expect("it was closed");
    assert_eq!(shelf.outcome(operation), Ok(Outcome::Done { made: loan.loan.0 }));
    assert_eq!(shelf.loan(loan.loan).expect("still lent"), loan);
    assert!(shelf.check_out(id(), BERT, "alpha").expect("the second copy").loan.0 > loan.loan.0);
    bring(&shelf, half, b"half");
    shelf.supply_commit(id(), half).expect("it goes on where it was");
    assert_eq!(shelf.audit().expect("readable").starts, 2);
}

/// A second process, or a second shelf, cannot open the file: whoever answers is the only one.
#[test]
fn the_file_has_one_owner() {
    let (_shelf, dir) = shelf();
    assert!(matches!(Shelf::open(&dir.path().join("shelf.redb"), part(), LIMITS), Err(StoreError::Shelf { .. })));
}

/// Executions are counted and never deduplicated: an operation that is run twice has its effect twice and is found.
#[test]
fn the_audit_finds_a_double_execution() {
    let (shelf, _dir) = shelf();
    supply(&shelf, "alpha", b"a", 3);
    let operation = id();
    assert_eq!(shelf.outcome(operation), Ok(Outcome::NotRun));
    let first = shelf.check_out(operation, ANNA, "alpha").expect("three copies");
    let second = shelf.check_out(operation, ANNA, "alpha").expect("three copies");
    assert_ne!(first.loan, second.loan);
    let audit = shelf.audit().expect("readable");
    assert_eq!((audit.check_out.done, audit.double_executions, audit.loans), (2, 1, 2));
}

/// A refused run is written down as such, and nothing else of it.
#[test]
fn a_refusal_is_recorded_and_changes_nothing() {
    let (shelf, _dir) = shelf();
    let operation = id();
    assert_eq!(shelf.return_loan(operation, LoanId(7)), Err(StoreError::NoSuchLoan));
    assert_eq!(shelf.outcome(operation), Ok(Outcome::Refused));
    assert_eq!(shelf.audit().expect("readable").return_loan.refused, 1);
}

/// A supply is put on the shelf only whole and with the right bytes; a wrong one gives its room back.
#[test]
fn a_supply_is_checked() {
    let (shelf, _dir) = shelf();
    let contents = vec![7; PIECE_BYTES as usize + 1];
    let begun = shelf.supply_begin(id(), &announced("gap", &contents, 1)).expect("there is room");
    shelf.supply_piece(begun, 0, &contents[1..]).expect("the first piece");
    assert_eq!(shelf.supply_commit(id(), begun), Err(StoreError::PieceMissing { piece: 1 }));
    assert_eq!(shelf.supply_piece(begun, 1, b"too long"), Err(StoreError::NoSuchPiece { piece: 1 }));
    assert_eq!(shelf.supply_piece(begun, 2, b""), Err(StoreError::NoSuchPiece { piece: 2 }));
    shelf.supply_piece(begun, 1, b"x").expect("the right length");
    assert_eq!(shelf.supply_commit(id(), begun), Err(StoreError::WrongDigest { title: "gap".into() }));
    assert_eq!(shelf.supply_commit(id(), begun), Err(StoreError::NoSuchSupply));
    let all = announced("gap", &vec![0; LIMITS.bytes_max as usize], 1);
    shelf.supply_begin(id(), &all).expect("all room is free again");
}

/// More copies of the same contents add up; other contents under the same name are refused.
#[test]
fn copies_add_up_and_contents_stay() {
    let (shelf, _dir) = shelf();
    supply(&shelf, "alpha", b"same", 1);
    supply(&shelf, "alpha", b"same", 2);
    assert_eq!(shelf.audit().expect("readable").holdings[0].copies, 3);
    let other = shelf.supply_begin(id(), &announced("alpha", b"other", 1));
    assert_eq!(other, Err(StoreError::OtherContents { title: "alpha".into() }));
    assert_eq!(shelf.titles(), Ok(vec!["alpha".to_owned()]));
}
