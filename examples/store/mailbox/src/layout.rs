//! Where each word of a mailbox is.
//!
//! Everything is a 32-bit word, and every position follows from a [`Layout`] that both programs have compiled in. What the header
//! says is compared with it and never used.

/// Bytes in one word: the unit of everything in the mapping.
pub(crate) const WORD_BYTES: usize = size_of::<u32>();

/// Words in one cache line; what different processes write lies on different lines.
const LINE: usize = 16;

/// First word of the file: marks a mailbox of this version.
pub(crate) const MAGIC: u32 = 0x4d42_5831;

/// Word 0 is [`MAGIC`].
pub(crate) const AT_MAGIC: usize = 0;
/// Cells of each ring, as the maker saw it.
pub(crate) const AT_CELLS: usize = 1;
/// Bytes of each cell, as the maker saw it.
pub(crate) const AT_CELL_BYTES: usize = 2;

/// What one process says of itself: five words on a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity(usize);

impl Identity {
    /// The office's line.
    pub(crate) const OFFICE: Self = Self(LINE);
    /// The claimant's line.
    pub(crate) const CLAIMANT: Self = Self(2 * LINE);

    /// Process id; 0 as long as nobody has claimed.
    pub(crate) const fn at_pid(self) -> usize {
        self.0
    }
    /// Start time of the process, lower half.
    pub(crate) const fn at_started_low(self) -> usize {
        self.0 + 1
    }
    /// Start time of the process, upper half.
    pub(crate) const fn at_started_high(self) -> usize {
        self.0 + 2
    }
    /// 1 once the two start words are written.
    pub(crate) const fn at_known(self) -> usize {
        self.0 + 3
    }
    /// Rises while the process looks after the mailbox.
    pub(crate) const fn at_heartbeat(self) -> usize {
        self.0 + 4
    }
    /// 1 once the process has closed its side.
    pub(crate) const fn at_closed(self) -> usize {
        self.0 + 5
    }
}

/// One of the two rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the claimant to the office.
    Requests,
    /// From the office to the claimant.
    Replies,
}

/// Size of a mailbox: how many cells each direction has and how long a message can be. Both sides must use the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    cells: u32,
    cell_bytes: u32,
}

impl Default for Layout {
    /// Eight cells of 36 KiB in each direction: a piece of 32 KiB and what is said about it.
    fn default() -> Self {
        Self::new(8, 36 * 1024)
    }
}

impl Layout {
    /// A layout with at least `cells` cells (rounded up to a power of two, at most 1,024) of at least `cell_bytes` bytes (rounded up
    /// to whole words, at most 1 MiB).
    pub const fn new(cells: u32, cell_bytes: u32) -> Self {
        let cells = if cells > 1024 { 1024 } else { cells.next_power_of_two() };
        let cell_bytes = if cell_bytes > 1 << 20 { 1 << 20 } else { cell_bytes.next_multiple_of(WORD_BYTES as u32) };
        Self { cells, cell_bytes }
    }

    /// Cells of each ring: messages that can be under way in one direction. A power of two.
    pub const fn cells(self) -> u32 {
        self.cells
    }

    /// The longest message.
    pub const fn message_bytes_max(self) -> usize {
        self.cell_bytes as usize
    }

    /// Words of a cell: its length and its bytes, in whole lines.
    const fn cell_words(self) -> usize {
        (1 + self.cell_bytes as usize / WORD_BYTES).next_multiple_of(LINE)
    }

    /// The producer's position in a ring.
    pub(crate) const fn at_tail(self, direction: Direction) -> usize {
        match direction {
            Direction::Requests => 3 * LINE,
            Direction::Replies => 5 * LINE,
        }
    }

    /// The consumer's position in a ring.
    pub(crate) const fn at_head(self, direction: Direction) -> usize {
        self.at_tail(direction) + LINE
    }

    /// First word of the cell for a position (positions wrap; cells are a power of two).
    pub(crate) const fn at_cell(self, direction: Direction, position: u32) -> usize {
        let first = match direction {
            Direction::Requests => 0,
            Direction::Replies => self.cells as usize,
        };
        let cell = first + (position & (self.cells - 1)) as usize;
        8 * LINE + cell * self.cell_words()
    }

    /// Words of the whole mailbox.
    pub(crate) const fn words(self) -> usize {
        8 * LINE + 2 * self.cells as usize * self.cell_words()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The two rings lie behind one another, each cell on its own lines, and the last one ends with the file.
    #[test]
    fn cells_do_not_overlap_and_fill_the_file() {
        let layout = Layout::new(4, 100);
        let mut starts: Vec<usize> = [Direction::Requests, Direction::Replies]
            .into_iter()
            .flat_map(|direction| (0..4).map(move |position| layout.at_cell(direction, position)))
            .collect();
        starts.push(layout.words());
        assert_eq!(starts[0], 8 * LINE);
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == layout.cell_words()));
        assert!(layout.cell_words() * WORD_BYTES >= layout.message_bytes_max() + WORD_BYTES);
        assert_eq!(layout.at_cell(Direction::Requests, u32::MAX), layout.at_cell(Direction::Requests, 3));
    }

    /// Whatever is asked for, the counts are powers of two and within the limits.
    #[test]
    fn sizes_are_rounded_and_bounded() {
        assert_eq!(Layout::new(0, 0).cells(), 1);
        assert_eq!(Layout::new(5, 1).cells(), 8);
        assert_eq!(Layout::new(5, 1).message_bytes_max(), 4);
        let huge = Layout::new(u32::MAX, u32::MAX);
        assert_eq!((huge.cells(), huge.message_bytes_max()), (1024, 1 << 20));
    }
}
