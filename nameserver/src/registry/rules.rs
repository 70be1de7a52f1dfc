//! The rules of the registry, one test each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rpc_runtime::directory::nameserver::{Change, Cursor, Interest, Refusal, Renewal, Watched};
use rpc_runtime::directory::{Ended, Entry, EntryState, RegisterMode, Registration, Replica, Selector};
use rpc_runtime::protocol::id::Epoch;
use uuid::Uuid;

use super::bounds::{ENTRIES_MAX, PENDING_MAX};
use super::testing::{REGISTRY, World, incarnation, registration};
use super::{Registry, Stored, Watch};

fn takeover(instance: &str, life: u64, owner: &str) -> Registration {
    Registration { mode: RegisterMode::Takeover, owner: owner.into(), ..registration(instance, life) }
}

fn auto(base: &str, life: u64) -> Registration {
    Registration { mode: RegisterMode::AutoNamed, ..registration(base, life) }
}

/// R21, exclusive: a name has one holder; the second is told who it is.
#[test]
fn exclusive_name_has_one_holder() {
    let mut world = World::new();
    let first = world.enter("a-m", 1);
    let refused = world.register(registration("a-m", 2)).expect_err("taken");
    let Refusal::NameTaken { epoch, endpoints, .. } = refused else { panic!("{refused}") };
    assert_eq!((epoch, endpoints), (first, vec!["tcp://127.0.0.1:1".to_owned()]));
    assert_eq!(world.holder("a-m"), Some(first.number));
}

/// R21: asking again is answered with the same registration while it lives, also before the first is on disk.
#[test]
fn registering_is_idempotent_by_incarnation() {
    let mut world = World::new();
    let undecided = world.registry.register(registration("a-m", 1), Uuid::nil(), None, world.now).expect("free").epoch;
    assert_eq!(world.enter("a-m", 1), undecided);
    world.crash();
    assert_eq!(world.enter("a-m", 1), undecided);
    assert_eq!(world.register(takeover("a-m", 1, "")).expect("its own").epoch, undecided);

    world.unregister(undecided);
    assert_ne!(world.enter("a-m", 1), undecided, "it no longer lives");
}

/// R21: asking again brings the details up to date, under the same epoch.
#[test]
fn registering_again_updates() {
    let mut world = World::new();
    let epoch = world.enter("a-m", 1);
    let again = Registration { groups: vec!["east".into()], ..registration("a-m", 1) };
    assert_eq!(world.register(again).expect("its own").epoch, epoch);
    world.crash();
    let found = world.find(Selector::Group("east".into()));
    assert_eq!(found.iter().map(|entry| entry.epoch).collect::<Vec<_>>(), [epoch]);
}

/// R21, takeover: the same owner gets a new epoch, and the old registration is `Replaced`.
#[test]
fn takeover_by_the_same_owner() {
    let mut world = World::new();
    let old = world.register(takeover("a-m", 1, "ops")).expect("free").epoch;
    let refused = world.register(takeover("a-m", 2, "dev")).expect_err("another owner");
    assert!(matches!(&refused, Refusal::NotOwner { owner, .. } if owner == "ops"), "{refused}");

    let new = world.register(takeover("a-m", 2, "ops")).expect("the same owner").epoch;
    assert!(new.number > old.number);
    assert_eq!(world.holder("a-m"), Some(new.number));
    assert_eq!(world.registry.renew(old, world.now), Renewal::Ended(Ended::Replaced));
    assert_eq!(world.registry.renew(new, world.now), Renewal::Renewed);
}

/// R21, auto-named: each gets a name of its own; the same request again gets the same one.
#[test]
fn automatic_names_are_free_ones() {
    let mut world = World::new();
    world.enter("customer-2", 9);
    let token = Uuid::from_u128;
    let first = world.register_as(auto("customer", 1), token(1), None).expect("a name");
    let second = world.register_as(auto("customer", 1), token(2), None).expect("a name");
    let again = world.register_as(auto("customer", 1), token(1), None).expect("the name");
    assert_eq!(first.instance, "customer-3", "customer-2 is taken");
    assert_eq!(second.instance, "customer-4");
    assert_eq!(again, first);
    assert_eq!(world.register_as(auto("", 1), token(3), None).expect("a name").instance, "store-5");
}

/// I17: epochs rise, over all names and across restarts, also when the highest has been unregistered.
#[test]
fn epochs_rise() {
    let mut world = World::new();
    let mut last = 0;
    for round in 0..10 {
        let name = format!("s{}", round % 3);
        let epoch = world.enter(&name, round);
        assert!(epoch.number > last);
        last = epoch.number;
        world.unregister(epoch);
        world.crash();
    }
}

/// I17: unregistering ends its own registration, never a later one of the same name.
#[test]
fn unregister_ends_one_epoch_only() {
    let mut world = World::new();
    let old = world.register(takeover("a-m", 1, "")).expect("free").epoch;
    let new = world.register(takeover("a-m", 2, "")).expect("taken over").epoch;
    assert!(!world.unregister(old));
    assert_eq!(world.holder("a-m"), Some(new.number));
    assert!(!world.unregister(Epoch { registry: Uuid::nil(), ..new }), "an epoch of another registry");
    assert!(world.unregister(new));
    assert_eq!(world.holder("a-m"), None);
}

/// R21: a state change is for its own registration, is kept on disk, and suspicion is not an exporter's to say.
#[test]
fn state_change_is_for_one_epoch_only() {
    let mut world = World::new();
    let old = world.register(takeover("a-m", 1, "")).expect("free").epoch;
    let new = world.register(takeover("a-m", 2, "")).expect("taken over").epoch;
    let refused = world.registry.set_state(old, EntryState::Draining);
    assert_eq!(refused, Err(Refusal::Ended { why: Ended::Replaced }));
    assert!(matches!(world.registry.set_state(new, EntryState::Suspect), Err(Refusal::Invalid { .. })));

    world.registry.set_state(new, EntryState::Draining).expect("held");
    world.commit();
    world.crash();
    assert_eq!(world.find("a-m")[0].state, EntryState::Draining);
    assert_eq!(world.holder("a-m"), Some(new.number), "the same registration");
}

/// R22: what nobody renews ends, and what is renewed stays.
#[test]
fn leases_end_unless_renewed() {
    let mut world = World::new();
    let kept: Vec<_> = (1..=9).map(|life| world.enter(&format!("kept-{life}"), life)).collect();
    let lost = world.enter("lost", 10);
    world.pass(14, &kept);
    assert_eq!(world.holder("lost"), Some(lost.number));
    world.pass(2, &kept);
    assert_eq!(world.holder("lost"), None);
    assert_eq!(world.find(Selector::Any).len(), 9);
    assert_eq!(world.registry.renew(lost, world.now), Renewal::Ended(Ended::Expired));
    world.crash();
    assert_eq!(world.holder("lost"), None, "the end is on disk");
}

/// R22: after a restart every lease gets one full ttl.
#[test]
fn restart_gives_a_full_ttl() {
    let mut world = World::new();
    let epoch = world.enter("a-m", 1);
    world.pass(14, &[]);
    world.crash();
    world.pass(14, &[]);
    assert_eq!(world.holder("a-m"), Some(epoch.number));
    world.pass(2, &[]);
    assert_eq!(world.holder("a-m"), None);
}

/// R22: an expired registration comes back if its name is free, and not by takeover.
#[test]
fn expired_comes_back_but_never_by_takeover() {
    let mut world = World::new();
    let kept = world.enter("kept", 9);
    let lost = world.enter("a-m", 1);
    world.pass(16, &[kept]);
    assert_eq!(world.holder("a-m"), None);

    let refused = world.register_as(takeover("a-m", 1, ""), Uuid::nil(), Some(lost));
    assert!(matches!(refused, Err(Refusal::Invalid { .. })));
    let back = world.register_as(registration("a-m", 1), Uuid::nil(), Some(lost)).expect("free").epoch;
    assert!(back.number > lost.number);

    world.pass(16, &[kept]);
    world.enter("a-m", 2);
    let refused = world.register_as(registration("a-m", 1), Uuid::nil(), Some(back));
    assert!(matches!(refused, Err(Refusal::NameTaken { .. })));
}

/// R22: what was replaced or unregistered does not come back under that name, not even after a crash.
#[test]
fn replaced_and_unregistered_do_not_come_back() {
    let mut world = World::new();
    let replaced = world.register(takeover("a", 1, "")).expect("free").epoch;
    let successor = world.register(takeover("a", 2, "")).expect("taken over").epoch;
    let removed = world.enter("b", 1);
    world.unregister(successor);
    world.unregister(removed);
    world.crash();
    for (name, epoch, why) in [("a", replaced, Ended::Replaced), ("b", removed, Ended::Unregistered)] {
        let refused = world.register_as(registration(name, 1), Uuid::nil(), Some(epoch));
        assert_eq!(refused, Err(Refusal::Ended { why }));
        assert_eq!(world.holder(name), None);
    }
}

/// A registration of a registry that is no more has expired: its exporter registers with the new one.
#[test]
fn another_registry_means_expired() {
    let mut world = World::new();
    let foreign = Epoch { registry: Uuid::from_u128(99), number: 1 };
    assert_eq!(world.registry.renew(foreign, world.now), Renewal::Ended(Ended::Expired));
    assert!(world.register_as(registration("a-m", 1), Uuid::nil(), Some(foreign)).is_ok());
}

/// R24: when many leases end together the entries stay as suspect, say so to watchers, and are live again once renewed.
#[test]
fn a_mass_of_ending_leases_is_suspected() {
    let mut world = World::new();
    let epochs: Vec<_> = (1..=10).map(|life| world.enter(&format!("s{life:02}"), life)).collect();
    let before = Some(Cursor { registry: REGISTRY, revision: world.registry.published(), page: None });
    world.pass(16, &[]);
    let found = world.find(Selector::Any);
    assert_eq!(found.len(), 10);
    assert!(found.iter().all(|entry| entry.state == EntryState::Suspect));
    let Watch::Now(Watched::Events { events, .. }) = world.registry.watch(&Interest::everything(), before.as_ref())
    else {
        panic!("ten changes")
    };
    assert_eq!(events.len(), 10);

    assert_eq!(world.registry.renew(epochs[0], world.now), Renewal::Renewed);
    world.commit();
    assert_eq!(world.find("s01")[0].state, EntryState::Live);
    assert_eq!(world.registry.sweep(world.now).suspects, 9);
}

/// R24: a suspect holds its name only as long as nobody else wants it.
#[test]
fn a_suspect_gives_way() {
    let mut world = World::new();
    let old: Vec<_> = (1..=4).map(|life| world.enter(&format!("s{life}"), life)).collect();
    world.pass(16, &[]);
    assert_eq!(world.find("s1")[0].state, EntryState::Suspect);
    let new = world.enter("s1", 9);
    assert_eq!(world.holder("s1"), Some(new.number));
    assert_eq!(world.registry.renew(old[0], world.now), Renewal::Ended(Ended::Expired));
}

/// R25: what is not on disk is not seen, and does not survive.
#[test]
fn what_is_not_on_disk_is_not_seen() {
    let mut world = World::new();
    let lease = world.registry.register(registration("a-m", 1), Uuid::nil(), None, world.now).expect("free");
    assert_eq!(world.holder("a-m"), None, "decided, but not on disk");
    let refused = world.registry.register(registration("a-m", 2), Uuid::nil(), None, world.now);
    assert!(matches!(refused, Err(Refusal::NameTaken { .. })), "decided all the same");
    world.crash();
    assert_eq!(world.holder("a-m"), None);

    assert_eq!(world.enter("a-m", 2), lease.epoch, "nobody has seen the lost number");
    world.crash();
    assert_eq!(world.holder("a-m"), Some(lease.epoch.number));
}

/// Lookup: by instance, by label, by group, any; within one interface.
#[test]
fn lookup_by_each_selector() {
    let mut world = World::new();
    let mut east = registration("a-m", 1);
    east.labels.insert("zone".into(), "b".into());
    east.groups.push("east".into());
    world.register(east).expect("free");
    world.enter("n-z", 2);
    world.register(Registration { interface: "library.v1.Till".into(), ..registration("a-m", 3) }).expect("free");

    let names = |selector: Selector| world.find(selector).into_iter().map(|entry| entry.instance).collect::<Vec<_>>();
    assert_eq!(names(Selector::Instance("n-z".into())), ["n-z"]);
    assert_eq!(names(Selector::Label { key: "zone".into(), value: "b".into() }), ["a-m"]);
    assert_eq!(names(Selector::Group("east".into())), ["a-m"]);
    assert_eq!(names(Selector::Any), ["a-m", "n-z"]);
    assert_eq!(names(Selector::Instance("nobody".into())), [] as [&str; 0]);
}

/// Lookup: what does not fit into a reply is left out, a different part each time.
#[test]
fn lookup_is_bounded() {
    let mut world = World::new();
    for life in 1..=400 {
        let mut large = registration(&format!("s{life}"), life);
        large.labels = (0..10).map(|n| (format!("l{n}"), "x".repeat(200))).collect();
        world.registry.register(large, Uuid::nil(), None, world.now).expect("free");
    }
    world.commit();
    let mut seen = std::collections::HashSet::new();
    for start in (0..400).step_by(50) {
        let looked = world.registry.lookup("library.v1.Store", &Selector::Any, start);
        assert!(looked.truncated && looked.entries.len() > 100);
        seen.extend(looked.entries.iter().map(|entry| entry.epoch.number));
    }
    assert_eq!(seen.len(), 400);
}

/// R23, I18: a watcher that reads at random moments, in pages, behind a short history, across crashes, ends up with
/// what the registry has; and every event that it is told has a higher revision than the one before.
#[test]
fn watching_has_no_gap() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        let group = Interest { interface: None, selector: Selector::Group("odd".into()) };
        let mut watchers = [(Interest::everything(), Replica::new()), (group, Replica::new())];
        let mut held: Vec<Epoch> = Vec::new();
        for _ in 0..600 {
            match random.u8(..10) {
                0..5 => {
                    let mut new = takeover(&format!("s{}", random.u8(..100)), random.u64(1..50), "");
                    new.groups = if random.bool() { vec!["odd".into()] } else { vec![] };
                    // Large entries, so that snapshots take several pages.
                    new.labels = (0..25).map(|n| (format!("l{n}"), "x".repeat(250))).collect();
                    held.push(world.register(new).expect("the same owner").epoch);
                }
                5 if !held.is_empty() => _ = world.unregister(held.swap_remove(random.usize(..held.len()))),
                6 if !held.is_empty() => {
                    let draining = held[random.usize(..held.len())];
                    let _ = world.registry.set_state(draining, EntryState::Draining);
                    world.commit();
                }
                7 if random.u8(..20) == 0 => world.crash(),
                8 if random.u8(..10) == 0 => world.registry.view.bound_history(random.usize(..30)),
                _ => {
                    let (interest, replica) = &mut watchers[random.usize(..2)];
                    poll(&world.registry, interest, replica);
                }
            }
        }
        for (interest, replica) in &mut watchers {
            while poll(&world.registry, interest, replica) {}
            assert!(replica.ready(), "seed {seed}");
            let brief = |entry: &Entry| (entry.instance.clone(), entry.epoch.number, entry.state);
            let there = (0..100).filter_map(|n| world.find(format!("s{n}")).pop());
            let expected: BTreeSet<_> =
                there.filter(|entry| interest.covers(entry)).map(|entry| brief(&entry)).collect();
            let got: BTreeSet<_> = replica.entries().map(|entry| brief(entry)).collect();
            assert!(got == expected, "seed {seed}: {:?}", got.symmetric_difference(&expected).next());
        }
    }
}

/// Asks once; says whether there was anything to tell.
fn poll(registry: &Registry, interest: &Interest, replica: &mut Replica) -> bool {
    let cursor = replica.cursor();
    match registry.watch(interest, cursor.as_ref()) {
        Watch::Now(watched) => {
            if let Watched::Events { events, next } = &watched {
                let revisions: Vec<_> = events.iter().map(|event| event.revision).collect();
                let from = cursor.expect("events continue something").revision;
                assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
                assert!(revisions.first() > Some(&from) && revisions.last() <= Some(&next.revision));
            }
            replica.apply(watched);
            true
        }
        Watch::Later(next) => {
            // Nothing of interest up to there.
            replica.apply(Watched::Events { events: Vec::new(), next });
            false
        }
    }
}

/// R23: a watcher behind the history, or of another registry, is given a snapshot, not a gap.
#[test]
fn too_old_means_resync() {
    let mut world = World::new();
    world.registry.view.bound_history(2);
    for life in 1..=4 {
        world.enter(&format!("s{life}"), life);
    }
    let at = |registry, revision| Cursor { registry, revision, page: None };
    let told = |cursor: Cursor| world.registry.watch(&Interest::everything(), Some(&cursor));
    assert!(matches!(told(at(REGISTRY, 1)), Watch::Now(Watched::Snapshot { begins: true, .. })));
    assert!(matches!(told(at(REGISTRY, 2)), Watch::Now(Watched::Events { events, .. }) if events.len() == 2));
    assert!(matches!(told(at(REGISTRY, 4)), Watch::Later(_)));
    assert!(matches!(told(at(REGISTRY, 5)), Watch::Now(Watched::Snapshot { begins: true, .. })));
    assert!(matches!(told(at(Uuid::nil(), 4)), Watch::Now(Watched::Snapshot { begins: true, .. })));
}

/// R23: revisions go on across a restart, so a watcher that was up to date stays so, and one that was not gets a
/// snapshot.
#[test]
fn revisions_go_on_across_a_restart() {
    let mut world = World::new();
    world.enter("a-m", 1);
    let cursor = Cursor { registry: REGISTRY, revision: world.registry.published(), page: None };
    world.crash();
    let epoch = world.enter("n-z", 2);
    let Watch::Now(Watched::Events { events, next }) = world.registry.watch(&Interest::everything(), Some(&cursor))
    else {
        panic!("one event")
    };
    assert_eq!(next.revision, cursor.revision + 1);
    assert!(matches!(&events[0].change, Change::Put(entry) if entry.epoch == epoch));

    world.crash();
    assert!(matches!(
        world.registry.watch(&Interest::everything(), Some(&cursor)),
        Watch::Now(Watched::Snapshot { .. })
    ));
}

/// A watcher of a group hears that a member has left it, and why a member is gone.
#[test]
fn leaving_a_selection_is_told() {
    let mut world = World::new();
    let member = Registration { groups: vec!["east".into()], ..registration("a-m", 1) };
    let epoch = world.register(member.clone()).expect("free").epoch;
    let interest = Interest { interface: None, selector: Selector::Group("east".into()) };
    let mut cursor = Cursor { registry: REGISTRY, revision: world.registry.published(), page: None };
    let mut change = |world: &World| {
        let Watch::Now(Watched::Events { mut events, next }) = world.registry.watch(&interest, Some(&cursor)) else {
            panic!("an event")
        };
        cursor = next;
        events.pop().expect("an event").change
    };
    world.register(registration("a-m", 1)).expect("its own");
    assert!(matches!(change(&world), Change::Removed { epoch: of, why: None, .. } if of == epoch));
    world.register(member).expect("its own");
    assert!(matches!(change(&world), Change::Put(entry) if entry.epoch == epoch));
    world.unregister(epoch);
    assert!(matches!(change(&world), Change::Removed { why: Some(Ended::Unregistered), .. }));
}

/// Bounds: so many registrations and no more; one that displaces another still fits, and ending one makes room.
#[test]
fn registrations_are_bounded() {
    let mut world = World::new();
    let enter = |world: &mut World, name: String, life| {
        let lease = world.registry.register(takeover(&name, life, ""), Uuid::nil(), None, Duration::ZERO);
        if world.registry.revision().is_multiple_of(1000) {
            world.registry.take_batch();
            world.registry.publish(u64::MAX);
        }
        lease
    };
    for n in 0..ENTRIES_MAX {
        enter(&mut world, n.to_string(), 1).expect("room");
    }
    let refused = enter(&mut world, "one more".into(), 1);
    assert!(matches!(refused, Err(Refusal::Full { max, .. }) if max == ENTRIES_MAX as u64));
    let displaced = enter(&mut world, "0".into(), 2).expect("in place of another").epoch;
    assert_eq!(world.registry.unregister(displaced), Ok(true));
    enter(&mut world, "one more".into(), 1).expect("room again");
}

/// Bounds: at most so many changes wait for the disk; then the registry says that it is busy.
#[test]
fn waiting_changes_are_bounded() {
    let mut world = World::new();
    let mut enter = |n: usize| world.registry.register(registration(&n.to_string(), 1), Uuid::nil(), None, world.now);
    for n in 0..PENDING_MAX {
        enter(n).expect("room");
    }
    assert!(matches!(enter(PENDING_MAX), Err(Refusal::Busy { .. })));
    world.commit();
    world.enter("later", 2);
}

/// What a registry cannot have written is refused when it is read.
#[test]
fn a_damaged_store_is_refused() {
    let mut world = World::new();
    world.enter("a-m", 1);
    let mut twice = world.disk.0.clone();
    let mut second = twice.records[0].clone();
    Arc::make_mut(&mut second.entry).epoch.number = 2;
    twice.epoch_last = 2;
    twice.records.push(second);
    assert!(Registry::restore(twice, world.now).expect_err("one name twice").contains("twice"));

    let mut beyond = world.disk.0.clone();
    beyond.epoch_last = 0;
    assert!(Registry::restore(beyond, world.now).is_err());

    // What would overflow in arithmetic later.
    let mut eternal = world.disk.0.clone();
    eternal.records[0].ttl = Duration::from_secs(i64::MAX as u64);
    assert!(Registry::restore(eternal, world.now).expect_err("a ttl beyond its bound").contains("ttl"));
    let ends: [fn(&mut Stored); 2] = [|stored| stored.epoch_last = u64::MAX, |stored| stored.revision_last = u64::MAX];
    for end in ends {
        let mut full = world.disk.0.clone();
        end(&mut full);
        assert!(Registry::restore(full, world.now).expect_err("a counter at its end").contains("no registry counts"));
    }
}

/// The whole registry is what the disk has: random work, then a crash, changes nothing that was answered.
#[test]
fn a_crash_loses_nothing_that_was_answered() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        let mut expected = BTreeMap::new();
        for _ in 0..300 {
            let name = format!("s{}", random.u8(..20));
            let life = random.u64(1..5);
            match random.u8(..4) {
                0 | 1 => {
                    if let Ok(lease) = world.register(registration(&name, life)) {
                        expected.insert(name, (lease.epoch, incarnation(life)));
                    }
                }
                2 => {
                    if let Some((epoch, _)) = expected.remove(&name) {
                        assert!(world.unregister(epoch));
                    }
                }
                _ => world.crash(),
            }
        }
        world.crash();
        let found: BTreeMap<_, _> = world
            .find(Selector::Any)
            .into_iter()
            .map(|entry| (entry.instance, (entry.epoch, entry.incarnation)))
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}
