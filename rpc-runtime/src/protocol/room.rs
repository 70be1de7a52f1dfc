//! A session's room for replies (R11): what each call reserves before it runs, and what its reply takes instead
//! once it has ended. All of it is part of the server's budget.

use super::budget::Budget;

/// What a session may keep of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplyLimits {
    /// Reserved for each call before it runs, so that its verdict and a small reply can always be recorded.
    pub reserve_bytes: u64,
    /// The session's bound on reservations and kept replies together.
    pub session_bytes_max: u64,
}

/// How much of a session's room is taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Room {
    limits: ReplyLimits,
    taken: u64,
    /// The part of `taken` in replies larger than a reservation.
    large: u64,
}

impl Room {
    /// Empty room within `limits`.
    pub fn new(limits: ReplyLimits) -> Room {
        Room { limits, taken: 0, large: 0 }
    }

    /// Takes a call's reservation: what the call is charged, or `None` if there is no room.
    pub fn reserve(&mut self, budget: &Budget) -> Option<u64> {
        let bytes = self.limits.reserve_bytes;
        let fits = self.taken.saturating_add(bytes) <= self.limits.session_bytes_max;
        if !fits || !budget.reserve(bytes) {
            return None;
        }
        self.taken += bytes;
        Some(bytes)
    }

    /// A reservation for the next call of a slot, in place of what the slot is charged: as [`reserve`](Room::reserve), and
    /// with `None` nothing is left of the charge.
    pub fn renew(&mut self, charged: u64, budget: &Budget) -> Option<u64> {
        if charged == self.limits.reserve_bytes {
            return Some(charged);
        }
        self.give_back(charged, budget);
        self.reserve(budget)
    }

    /// Turns a reservation into what a reply of `bytes` takes: what the call is charged from now on, or `None` if
    /// the reply cannot be kept; the reservation is given back then. Replies beyond the reservation take at most
    /// half of the session's room, so that they cannot crowd out new calls. Smaller ones keep the whole of it for the
    /// slot's next call, while memory is not scarce: sessions on several cores count in one place.
    pub fn keep(&mut self, reserved: u64, bytes: u64, budget: &Budget) -> Option<u64> {
        let Some(more) = bytes.checked_sub(reserved).filter(|more| *more > 0) else {
            if !self.is_scarce(budget) {
                return Some(reserved);
            }
            self.release(reserved - bytes, budget);
            return Some(bytes);
        };
        let fits = self.large.saturating_add(bytes) <= self.limits.session_bytes_max / 2
            && self.taken.saturating_add(more) <= self.limits.session_bytes_max;
        if !fits || !budget.reserve_more(more) {
            self.release(reserved, budget);
            return None;
        }
        self.taken += more;
        self.large += bytes;
        Some(bytes)
    }

    /// Gives back what a call was charged.
    pub fn give_back(&mut self, charged: u64, budget: &Budget) {
        if charged > self.limits.reserve_bytes {
            self.large -= charged;
        }
        self.release(charged, budget);
    }

    /// Gives back everything.
    pub fn clear(&mut self, budget: &Budget) {
        self.large = 0;
        self.release(self.taken, budget);
    }

    /// For how many slots there is room beside the large replies: each holds a reservation, or a reply no larger.
    pub fn slots(&self) -> u64 {
        (self.limits.session_bytes_max - self.large).checked_div(self.limits.reserve_bytes).unwrap_or(u64::MAX)
    }

    /// The bytes taken, and how many of them by large replies.
    #[cfg(test)]
    pub(super) fn taken(&self) -> (u64, u64) {
        (self.taken, self.large)
    }

    /// Whether so much is taken, of the session's room or of all memory, that nothing is kept ahead of its use.
    fn is_scarce(&self, budget: &Budget) -> bool {
        self.taken > self.limits.session_bytes_max / 4 * 3 || budget.is_scarce()
    }

    fn release(&mut self, bytes: u64, budget: &Budget) {
        self.taken -= bytes;
        budget.release(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ReplyLimits = ReplyLimits { reserve_bytes: 100, session_bytes_max: 1000 };

    fn reserved(room: &mut Room, budget: &Budget) -> u64 {
        room.reserve(budget).expect("there is room")
    }

    /// R11: room is counted when it is reserved. Where memory is scarce, a reply that takes less gives the rest back, and
    /// one that takes just as much gives back nothing.
    #[test]
    fn a_reply_takes_what_it_needs_of_its_reservation_where_memory_is_scarce() {
        let (budget, mut room) = (Budget::new(10_000), Room::new(LIMITS));
        assert!(budget.reserve(8_000));
        let charged = reserved(&mut room, &budget);
        assert_eq!((room.taken(), budget.used()), ((100, 0), 8_100));
        assert_eq!(room.keep(charged, 30, &budget), Some(30));
        assert_eq!((room.taken(), budget.used()), ((30, 0), 8_030));
        let charged = reserved(&mut room, &budget);
        assert_eq!(room.keep(charged, 100, &budget), Some(100));
        assert_eq!((room.taken(), budget.used()), ((130, 0), 8_130));
        room.give_back(100, &budget);
        room.give_back(30, &budget);
        assert_eq!((room.taken(), budget.used()), ((0, 0), 8_000));
    }

    /// R11: where it is not, the reservation stays for the slot's next call; what is not one is exchanged for one.
    #[test]
    fn a_reservation_is_used_again() {
        let (budget, mut room) = (Budget::new(10_000), Room::new(LIMITS));
        let charged = reserved(&mut room, &budget);
        assert_eq!(room.keep(charged, 30, &budget), Some(100));
        assert_eq!(room.renew(charged, &budget), Some(100));
        assert_eq!((room.taken(), budget.used()), ((100, 0), 100));
        assert_eq!(room.keep(charged, 400, &budget), Some(400));
        assert_eq!(room.renew(400, &budget), Some(100));
        assert_eq!((room.taken(), budget.used()), ((100, 0), 100));
        (0..9).for_each(|_| assert_eq!(room.reserve(&budget), Some(100)));
        assert_eq!(room.renew(0, &budget), None);
        assert_eq!((room.taken(), budget.used()), ((1000, 0), 1000));
    }

    /// R11: a larger reply is kept while there is room in half of the session; what is not kept leaves nothing
    /// behind.
    #[test]
    fn large_replies_take_at_most_half() {
        let (budget, mut room) = (Budget::new(10_000), Room::new(LIMITS));
        let charged = reserved(&mut room, &budget);
        assert_eq!(room.keep(charged, 400, &budget), Some(400));
        let charged = reserved(&mut room, &budget);
        assert_eq!(room.keep(charged, 101, &budget), None);
        assert_eq!((room.taken(), budget.used()), ((400, 400), 400));
        assert_eq!(room.slots(), 6);
        room.give_back(400, &budget);
        assert_eq!((room.taken(), budget.used(), room.slots()), ((0, 0), 0, 10));
    }

    /// R11: there is a bound for each session, and one for all of them.
    #[test]
    fn no_room_in_the_session_or_in_the_server_is_no_reservation() {
        let (budget, mut room) = (Budget::new(10_000), Room::new(LIMITS));
        (0..10).for_each(|_| assert_eq!(room.reserve(&budget), Some(100)));
        assert_eq!(room.reserve(&budget), None);
        let small = Budget::new(150);
        let mut other = Room::new(LIMITS);
        assert_eq!(other.reserve(&small), Some(100));
        assert_eq!(other.reserve(&small), None);
        assert_eq!(other.keep(100, 200, &small), None);
        room.clear(&budget);
        assert_eq!((budget.used(), small.used()), (0, 0));
    }
}
