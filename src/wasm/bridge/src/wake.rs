//! What C++ may hold to wake a guest: wakers of one pending call, and waitables that stand behind
//! pollables.

use crate::abi::entry_or;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use tokio::sync::Notify;

pub struct Waker(std::task::Waker);

impl Waker {
    pub fn boxed(waker: &std::task::Waker) -> *mut Waker {
        Box::into_raw(Box::new(Waker(waker.clone())))
    }
}

/// Safety: `source` is a qb_raw_call's waker_source, while that call lasts.
#[no_mangle]
unsafe extern "C" fn qb_waker_new(source: *mut c_void) -> *mut Waker {
    Waker::boxed(&*(source as *const std::task::Waker))
}

#[no_mangle]
unsafe extern "C" fn qb_waker_wake(waker: *const Waker) {
    entry_or((), || (*waker).0.wake_by_ref())
}

#[no_mangle]
unsafe extern "C" fn qb_waker_free(waker: *mut Waker) {
    entry_or((), || drop(Box::from_raw(waker)))
}

#[derive(Default)]
pub struct Waitable {
    ready: AtomicBool,
    changed: Notify,
}

impl Waitable {
    pub fn set(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
        if ready {
            self.changed.notify_waiters();
        }
    }

    pub async fn ready(&self) {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable(); // before the look at `ready`, so that no set is missed
            if self.ready.load(Ordering::Acquire) {
                return;
            }
            changed.await;
        }
    }
}

#[no_mangle]
extern "C" fn qb_waitable_new() -> *const Waitable {
    Arc::into_raw(Arc::new(Waitable::default()))
}

#[no_mangle]
unsafe extern "C" fn qb_waitable_set(waitable: *const Waitable, ready: bool) {
    entry_or((), || (*waitable).set(ready))
}

#[no_mangle]
unsafe extern "C" fn qb_waitable_free(waitable: *const Waitable) {
    entry_or((), || drop(Arc::from_raw(waitable)))
}
