//! Where the C library has no threads, not even stubs of them: std and tokio name these, and nobody
//! calls them where no thread can begin.

const NOT_SUPPORTED: i32 = 58;

#[unsafe(no_mangle)]
extern "C" fn pthread_join(_: usize, _: usize) -> i32 {
    NOT_SUPPORTED
}

#[unsafe(no_mangle)]
extern "C" fn pthread_detach(_: usize) -> i32 {
    NOT_SUPPORTED
}
