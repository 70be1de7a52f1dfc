//! A task as a thread of loom's, and what drops its future.

use std::future::{Future, poll_fn};
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Wake, Waker};

use loom::sync::{Mutex, Notify};

/// Runs `future` in a thread of its own.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    let aborted = AbortHandle::default();
    let handle = aborted.clone();
    loom::thread::spawn(move || {
        let mut future = Box::pin(future);
        block_on(poll_fn(|cx| if aborted.is_set(cx.waker()) { Poll::Ready(()) } else { future.as_mut().poll(cx) }));
    });
    handle
}

/// Drops the future of a task: at once, or when its poll is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct AbortHandle(Arc<Mutex<Aborted>>);

#[derive(Debug, Default)]
struct Aborted {
    is_set: bool,
    waker: Option<Waker>,
}

impl AbortHandle {
    pub(crate) fn abort(&self) {
        let mut aborted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        aborted.is_set = true;
        let waker = aborted.waker.take();
        drop(aborted);
        waker.into_iter().for_each(Waker::wake);
    }

    fn is_set(&self, waker: &Waker) -> bool {
        let mut aborted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        aborted.waker = Some(waker.clone());
        aborted.is_set
    }
}

/// Polls `future` in this thread until it is ready. A wake-up that is lost is a deadlock, which loom reports.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Thread(Notify);

    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.notify();
        }
    }

    let thread = Arc::new(Thread(Notify::new()));
    let waker = Waker::from(Arc::clone(&thread));
    let mut cx = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread.0.wait();
    }
}
