//! Names that a user may have meant.

/// So many names are told at most.
const TOLD_MAX: usize = 20;
/// How much alike two names are that may be meant for each other, from 0 to 1.
const ALIKE: f64 = 0.7;

/// What there is, for who asked for something else: what is close to it, or all of it.
pub(crate) fn advice(asked: &str, known: &[&str]) -> String {
    let asked = last(asked);
    let alike = |name: &&&str| strsim::jaro_winkler(&asked.to_lowercase(), &last(name).to_lowercase()) >= ALIKE;
    let mut close: Vec<&str> = known.iter().filter(alike).copied().collect();
    close.sort_by_key(|name| strsim::levenshtein(asked, last(name)));
    match (close.as_slice(), known) {
        (_, []) => String::new(),
        ([], all) => format!("; there {} {}", if all.len() == 1 { "is" } else { "are" }, list(all)),
        (close, _) => format!("; did you mean {}?", list(&close[..close.len().min(3)])),
    }
}

/// The name within its package.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn list(names: &[&str]) -> String {
    let told: Vec<String> = names.iter().take(TOLD_MAX).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(TOLD_MAX);
    if more == 0 { told.join(", ") } else { format!("{} and {more} more", told.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::advice;

    /// What is close comes first; without such, everything.
    #[test]
    fn what_may_be_meant() {
        assert_eq!(advice("Pai", &["Paid", "Pay", "Close"]), "; did you mean `Paid`, `Pay`?");
        assert_eq!(advice("Bonk", &["bank.v1.Bank", "library.v1.Store"]), "; did you mean `bank.v1.Bank`?");
        assert_eq!(advice("Xyz", &["Pay", "Close"]), "; there are `Pay`, `Close`");
        assert_eq!(advice("Xyz", &["Pay"]), "; there is `Pay`");
        assert_eq!(advice("Xyz", &[]), "");
    }
}
