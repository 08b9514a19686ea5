//! The body of an incoming request, one chunk at a time from C++ to the guest.

use crate::abi::{Callbacks, Foreign};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use wasmtime_wasi_http::Error;

/// Between the two sides. `taken` of a chunk is called exactly once: when the guest took it, or
/// when nobody will.
pub struct Feed {
    slot: Mutex<Slot>,
    callbacks: Callbacks,
}

#[derive(Default)]
struct Slot {
    chunk: Option<(Bytes, Foreign)>,
    end: Option<End>,
    reader_gone: bool,
    reader: Option<Waker>,
}

#[derive(Clone, Copy)]
enum End {
    Complete,
    BrokenOff,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn call(&self, taken: Foreign) {
        unsafe { (self.callbacks.body_taken)(taken.0) }
    }

    /// Contract: the last chunk was taken. One that was not is lost, as its sender wants.
    pub fn push(&self, chunk: Bytes, taken: Foreign) {
        let mut slot = self.lock();
        if slot.reader_gone || slot.end.is_some() {
            drop(slot);
            return self.call(taken);
        }
        let before = slot.chunk.replace((chunk, taken));
        let reader = slot.reader.take();
        drop(slot);
        before.into_iter().for_each(|(_, taken)| self.call(taken));
        reader.into_iter().for_each(Waker::wake);
    }

    pub fn end(&self) {
        self.finish(End::Complete);
    }

    pub fn abort(&self) {
        self.finish(End::BrokenOff);
    }

    fn finish(&self, end: End) {
        let mut slot = self.lock();
        slot.end.get_or_insert(end);
        let reader = slot.reader.take();
        drop(slot);
        reader.into_iter().for_each(Waker::wake);
    }
}

/// The guest's side; without a feed the body is empty.
pub struct RequestBody(Option<Arc<Feed>>);

impl RequestBody {
    pub fn new(has_body: bool, callbacks: &Callbacks) -> (RequestBody, Option<Arc<Feed>>) {
        let feed =
            has_body.then(|| Arc::new(Feed { slot: Mutex::default(), callbacks: *callbacks }));
        (RequestBody(feed.clone()), feed)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(feed) = &self.0 else { return Poll::Ready(None) };
        let mut slot = feed.lock();
        if let Some((chunk, taken)) = slot.chunk.take() {
            drop(slot);
            feed.call(taken);
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match slot.end {
            Some(End::Complete) => Poll::Ready(None),
            Some(End::BrokenOff) => Poll::Ready(Some(Err(Error::ConnectionTerminated))),
            None => {
                slot.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.0 {
            None => SizeHint::with_exact(0),
            Some(_) => SizeHint::new(),
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(feed) = &self.0 else { return };
        let mut slot = feed.lock();
        slot.reader_gone = true;
        let left = slot.chunk.take();
        drop(slot);
        left.into_iter().for_each(|(_, taken)| feed.call(taken));
    }
}
