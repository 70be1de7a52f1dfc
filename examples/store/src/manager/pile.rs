//! The workpile: requests wait here until a worker has time. It is bounded, and whoever finds it full is told so at once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;

/// Work that waits to be done, in the order in which it came.
#[derive(Debug)]
pub struct Workpile<T> {
    works: Mutex<VecDeque<T>>,
    /// As many permits as works.
    waiting: Semaphore,
    works_max: usize,
}

impl<T> Workpile<T> {
    /// An empty pile that takes up to `works_max` works.
    pub fn new(works_max: usize) -> Self {
        Self { works: Mutex::default(), waiting: Semaphore::new(0), works_max }
    }

    /// Puts `work` on the pile, or gives it back if the pile is full. Never waits.
    pub fn put(&self, work: T) -> Result<(), T> {
        // Held for one push or pop.
        let mut works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        if works.len() >= self.works_max {
            return Err(work);
        }
        works.push_back(work);
        drop(works);
        self.waiting.add_permits(1);
        Ok(())
    }

    /// Takes the oldest work, waiting for one.
    pub async fn take(&self) -> T {
        loop {
            // Ends when something is put. An error would mean that the semaphore was closed, which nobody does.
            let Ok(permit) = self.waiting.acquire().await else {
                return std::future::pending().await;
            };
            permit.forget();
            if let Some(work) = self.works.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
                return work;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works come off in order; a full pile gives the next one back and takes it when there is room again.
    #[tokio::test]
    async fn a_full_pile_refuses() {
        let pile = Workpile::new(2);
        assert_eq!((pile.put(1), pile.put(2), pile.put(3)), (Ok(()), Ok(()), Err(3)));
        assert_eq!(pile.take().await, 1);
        assert_eq!(pile.put(3), Ok(()));
        assert_eq!((pile.take().await, pile.take().await), (2, 3));
    }

    /// Each work goes to one of the workers that wait for it.
    #[tokio::test]
    async fn workers_share_the_pile() {
        let pile = std::sync::Arc::new(Workpile::new(100));
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let pile = std::sync::Arc::clone(&pile);
                tokio::spawn(async move { [pile.take().await, pile.take().await] })
            })
            .collect();
        for work in 0..8 {
            pile.put(work).expect("there is room");
        }
        let mut done = Vec::new();
        for worker in workers {
            done.extend(worker.await.expect("it takes two"));
        }
        done.sort_unstable();
        assert_eq!(done, (0..8).collect::<Vec<_>>());
    }
}
