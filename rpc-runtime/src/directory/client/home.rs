//! Where a directory's calls to the nameserver run: on a thread of their own, with a runtime of its own, so that application
//! work cannot starve them (R22). A simulation has one thread; there they are tasks of the runtime that is at hand.

#[cfg(verify)]
pub(super) use task::{Home, find};
#[cfg(not(verify))]
pub(super) use thread::{Home, find};

#[cfg(not(verify))]
mod thread {
    use std::future::Future;
    use std::io;

    use tokio::runtime::{Builder, Handle};

    use crate::task::Task;

    /// The thread's runtime.
    #[derive(Clone)]
    pub(in super::super) struct Home(Handle);

    impl Home {
        pub(in super::super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
            let task: Task = Box::pin(task);
            self.0.spawn(task);
        }
    }

    /// A home, and what is to be called with the life that is led there: its end is the end of the thread and of all that
    /// was spawned there.
    pub(in super::super) fn find() -> io::Result<(Home, impl FnOnce(Task) -> io::Result<()>)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let home = Home(runtime.handle().clone());
        let stay = move |life| {
            let thread = std::thread::Builder::new().name("nameserver-client".into());
            thread.spawn(move || runtime.block_on(life)).map(|_| ())
        };
        Ok((home, stay))
    }
}

#[cfg(verify)]
mod task {
    use std::future::Future;
    use std::io;

    use tokio::runtime::Handle;
    use tokio::sync::watch;

    use crate::task::{Task, spawn};

    /// A channel that is open for as long as the life that is led there.
    #[derive(Clone)]
    pub(in super::super) struct Home(watch::Receiver<()>);

    impl Home {
        pub(in super::super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
            if Handle::try_current().is_err() {
                // The host is just crashing.
                return;
            }
            let mut is_open = self.0.clone();
            spawn(async move {
                tokio::select! {
                    () = task => {}
                    _ = is_open.wait_for(|()| false) => {}
                }
            });
        }
    }

    /// A home, and what is to be called with the life that is led there.
    pub(in super::super) fn find() -> io::Result<(Home, impl FnOnce(Task) -> io::Result<()>)> {
        let (open, is_open) = watch::channel(());
        let stay = move |life: Task| {
            spawn(async move {
                life.await;
                drop(open);
            });
            Ok(())
        };
        Ok((Home(is_open), stay))
    }
}
