//! The implementations behind `interfaces.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rpc_runtime::{CallError, Message};

use crate::{
    Answer, CustomerId, Disk, Drawing, Loan, Page, Point, Queue, Refusal, Shape, Stamp, State, Store, StoreError,
};

/// A store with two titles.
#[derive(Default)]
pub(crate) struct Library {
    /// How many one-way calls arrived.
    pub(crate) heard: AtomicU32,
}

impl Store for Library {
    async fn check_out(&self, customer: CustomerId, title: &str) -> Result<Loan, StoreError> {
        // So that a call is not always ready at its first poll.
        tokio::task::yield_now().await;
        if title == "missing" {
            return Err(StoreError::NoSuchTitle { title: title.to_owned() });
        }
        let length = Duration::from_secs(14 * 24 * 60 * 60);
        Ok(Loan { title: title.to_owned(), copy: 3, customer, length })
    }

    async fn titles(&self) -> Answer<Vec<String>> {
        Ok(vec!["dune".into(), "hyperion".into()])
    }

    async fn redraw(&self, drawing: Drawing, scale: u8) -> Answer<Drawing> {
        match scale {
            0 => Err(StoreError::AllLent(0)),
            _ => Ok(drawing),
        }
    }

    async fn digest(
        &self,
        text: &str,
        bytes: &[u8],
        points: &[Point],
        drawing: &Drawing,
        salt: i64,
        unused: (u8, String),
    ) -> Answer<u64> {
        let shapes = drawing.shapes.len() as u64;
        let lengths = [text.len(), bytes.len(), points.len(), unused.1.len()];
        let sum = lengths.iter().fold(shapes, |sum, length| sum * 31 + *length as u64);
        Ok(sum.wrapping_add_signed(salt))
    }

    async fn tell(&self, _what: String) -> Result<(), CallError> {
        self.heard.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn heard(&self) -> Result<u32, CallError> {
        Ok(self.heard.load(Ordering::SeqCst))
    }

    async fn fail(&self, how: u32) -> Answer<()> {
        match how {
            0 => Err(StoreError::AllLent(0)),
            1 => Err(StoreError::Closed),
            2 => Err(Refusal::Late(Duration::from_millis(1500)).into()),
            3 => Err(StoreError::NoSuchTitle { title: String::new() }),
            4 => Ok(()),
            5 => Err(Disk.into()),
            _ => Err(Refusal::from(CallError::failed("no shelf")).into()),
        }
    }

    async fn names(&self, call: u32, r: u32, tag: u32, out: u32, outgoing: u32, r#type: u32) -> Answer<u32> {
        let all = [call, r, tag, out, outgoing, r#type];
        Ok(all.iter().fold(0, |number, digit| number * 10 + digit))
    }
}

/// A queue in memory.
pub(crate) struct Lists<T>(Mutex<Vec<T>>);

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T: Message + Clone> Queue<T> for Lists<T> {
    async fn push(&self, item: T, priority: &u32) -> Result<Page<T>, CallError> {
        self.0.lock().expect("no panic inside").push(item.clone());
        Ok(Page { items: vec![item], next: Some(*priority) })
    }

    async fn all(&self) -> Result<Vec<T>, CallError> {
        Ok(self.0.lock().expect("no panic inside").clone())
    }
}

/// A value of every form.
pub(crate) fn drawing() -> Drawing {
    let shapes = vec![
        Shape::Nothing,
        Shape::Label(String::new()),
        Shape::Count(0),
        Shape::Count(-5),
        Shape::Circle { radius: 0.0, at: Point(0, -1) },
        Shape::Line(Point(1, 2), Point(3, 4)),
        Shape::Many(Vec::new()),
        Shape::Many(vec![Shape::Nothing, Shape::Label("inner".into())]),
        Shape::Missing(None),
        Shape::Missing(Some(Box::new(Shape::Nothing))),
    ];
    let parent = Drawing {
        shapes: Vec::new(),
        notes: None,
        marks: HashMap::new(),
        layers: BTreeMap::new(),
        state: State::Idle,
        stamp: None,
        parent: None,
    };
    Drawing {
        layers: BTreeMap::from([(0, Vec::new()), (7, shapes.clone())]),
        shapes,
        notes: Some(Vec::new()),
        marks: HashMap::from([("here".into(), Point(i32::MIN, i32::MAX))]),
        state: State::Busy,
        stamp: Some(Stamp { at: -1, flags: Some(0), first: "first".into() }),
        parent: Some(Arc::new(parent)),
    }
}
