//! The verdict: what suppliers and customers say that they did, against what the stores find when they count.

use std::time::Duration;

use super::board::Sums;
use crate::interface::{Audit, Digest, Holding};
use crate::part::Part;

/// A file that was to be brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) title: String,
    pub(super) bytes: u64,
    pub(super) digest: Digest,
}

/// Everything that is told at the end.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) objects: usize,
    pub(super) accounted: usize,
    pub(super) sums: Sums,
    /// Connections cut.
    pub(super) cuts: u64,
    /// How long customers were there.
    pub(super) elapsed: Duration,
    pub(super) double_executions: u64,
    pub(super) audits: Vec<(Part, Audit)>,
    /// What is not in order, in words.
    pub(super) findings: Vec<String>,
}

impl Verdict {
    /// Compares. `before` is what the stores had when they were opened: shelves may have been used before.
    pub(super) fn new(
        objects: Vec<Object>,
        deliveries: u64,
        before: &[(Part, Audit)],
        audits: Vec<(Part, Audit)>,
        sums: Sums,
        cuts: u64,
        elapsed: Duration,
    ) -> Self {
        let mut findings = Vec::new();
        let mut accounted = 0;
        for object in &objects {
            match check_object(object, deliveries, before, &audits) {
                Ok(()) => accounted += 1,
                Err(finding) => findings.push(finding),
            }
        }
        let run = |count: fn(&Audit) -> u64| total(&audits, count) - total(before, count);
        let mut same = |what: &str, said: u64, found: u64| {
            if said != found {
                findings.push(format!("{what}: {said} by those who asked, {found} by the stores"));
            }
        };
        same("copies brought", sums.supplier.copies, run(|audit| audit.supply_commit.done));
        same("copies checked out", sums.customer.checked_out, run(|audit| audit.check_out.done));
        same("copies returned", sums.customer.returned, run(|audit| audit.return_loan.done));
        same("loans open", total(before, |audit| audit.loans), total(&audits, |audit| audit.loans));
        same("supplies open", total(before, |audit| audit.open_supplies), total(&audits, |audit| audit.open_supplies));
        let double_executions = total(&audits, |audit| audit.double_executions);
        same("double executions", 0, double_executions);
        let unresolved = sums.customer.unresolved + sums.supplier.unresolved;
        if unresolved > 0 {
            findings.push(format!("of {unresolved} requests nobody can say what became"));
        }
        Self { objects: objects.len(), accounted, sums, cuts, elapsed, double_executions, audits, findings }
    }

    /// Whether everything is in order.
    pub(super) fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

fn total(audits: &[(Part, Audit)], count: fn(&Audit) -> u64) -> u64 {
    audits.iter().map(|(_, audit)| count(audit)).sum()
}

fn holding<'a>(audits: &'a [(Part, Audit)], title: &str) -> Vec<(Part, &'a Holding)> {
    let in_part = |(part, audit): &'a (Part, Audit)| {
        audit.holdings.iter().filter(|holding| holding.title == title).map(|holding| (*part, holding)).collect()
    };
    audits.iter().flat_map::<Vec<_>, _>(in_part).collect()
}

/// An object is accounted for if it is on the shelf of the one store that covers it, with the bytes of the file, with as many copies
/// as were brought, and none of them is out.
fn check_object(
    object: &Object,
    deliveries: u64,
    before: &[(Part, Audit)],
    audits: &[(Part, Audit)],
) -> Result<(), String> {
    let title = &object.title;
    let (part, found) = match holding(audits, title)[..] {
        [one] => one,
        [] => return Err(format!("{title} is in no store")),
        _ => return Err(format!("{title} is in several stores")),
    };
    if !part.covers(title) {
        return Err(format!("{title} is in the store {part}"));
    }
    if (found.bytes, found.digest) != (object.bytes, object.digest) {
        return Err(format!("{title} has other bytes on the shelf than in the folder"));
    }
    let had: u64 = holding(before, title).iter().map(|(_, holding)| u64::from(holding.copies)).sum();
    if u64::from(found.copies) != had + deliveries {
        return Err(format!("{title} has {} copies, {} were brought", found.copies, had + deliveries));
    }
    if found.lent != 0 {
        return Err(format!("{} copies of {title} are still out", found.lent));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::Runs;

    fn object(title: &str) -> Object {
        Object { title: title.into(), bytes: 5, digest: Digest([1; 32]) }
    }

    fn audit(titles: &[&str]) -> Audit {
        let holding =
            |title: &&str| Holding { title: (*title).into(), bytes: 5, digest: Digest([1; 32]), copies: 2, lent: 0 };
        Audit { holdings: titles.iter().map(holding).collect(), ..Audit::default() }
    }

    fn verdict(change: impl FnOnce(&mut Audit, &mut Audit, &mut Sums)) -> Verdict {
        let (mut low, mut high, mut sums) = (audit(&["alpha"]), audit(&["zeta"]), Sums::default());
        low.supply_commit = Runs { done: 4, refused: 0 };
        sums.supplier.copies = 4;
        change(&mut low, &mut high, &mut sums);
        let parts = ["a-m", "n-z"].map(|part| part.parse().expect("a part"));
        let before = parts.map(|part| (part, Audit::default()));
        let after = vec![(parts[0], low), (parts[1], high)];
        Verdict::new(vec![object("alpha"), object("zeta")], 2, &before, after, sums, 0, Duration::ZERO)
    }

    /// When everything agrees there is nothing to find.
    #[test]
    fn agreement_is_good() {
        let verdict = verdict(|_, _, _| {});
        assert_eq!((verdict.findings.clone(), verdict.accounted), (Vec::<String>::new(), 2));
        assert!(verdict.is_good());
    }

    /// Each kind of disagreement is found and put into words.
    #[test]
    fn disagreements_are_found() {
        type Change = fn(&mut Audit, &mut Audit, &mut Sums);
        let cases: [(Change, &str); 10] = [
            (|low, _, _| low.holdings.clear(), "alpha is in no store"),
            (|_, high, _| high.holdings.extend(audit(&["alpha"]).holdings), "alpha is in several stores"),
            (|low, high, _| std::mem::swap(&mut low.holdings, &mut high.holdings), "alpha is in the store n-z"),
            (|low, _, _| low.holdings[0].digest.0[0] = 9, "alpha has other bytes"),
            (|low, _, _| low.holdings[0].copies = 3, "alpha has 3 copies, 2 were brought"),
            (|low, _, _| low.holdings[0].lent = 1, "1 copies of alpha are still out"),
            (|low, _, _| low.loans = 1, "loans open"),
            (|low, _, _| low.check_out.done = 1, "copies checked out: 0 by those who asked, 1 by the stores"),
            (|low, _, _| low.double_executions = 1, "double executions"),
            (|_, _, sums| sums.customer.unresolved = 1, "nobody can say"),
        ];
        for (change, words) in cases {
            let verdict = verdict(change);
            assert!(!verdict.is_good());
            assert!(verdict.findings.iter().any(|finding| finding.contains(words)), "{words}: {:?}", verdict.findings);
        }
    }
}
