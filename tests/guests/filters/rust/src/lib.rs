//! Filters of log records as people write them in Rust for Fluent Bit: no allocator is exported, what
//! is returned belongs to the guest. The guest imports nothing.
#![no_std]
extern crate alloc;

use alloc::string::String;
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// On this target a C library would bring it.
#[no_mangle]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, size: usize) -> i32 {
    for at in 0..size {
        let (a, b) = (*one.add(at), *other.add(at));
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

/// What was returned last; it has to outlive the call.
static mut RETURNED: String = String::new();

unsafe fn give(mut text: String) -> *const u8 {
    text.push('\0');
    RETURNED = text;
    (*(&raw const RETURNED)).as_ptr()
}

unsafe fn text<'a>(at: *const u8, size: u32) -> &'a str {
    core::str::from_utf8_unchecked(core::slice::from_raw_parts(at, size as usize))
}

/// Gives back what it got.
#[no_mangle]
pub unsafe extern "C" fn rust_pass(
    _tag: *const u8,
    _tag_size: u32,
    _seconds: u32,
    _nanoseconds: u32,
    record: *const u8,
    _size: u32,
) -> *const u8 {
    record
}

/// Reads the record, adds one field, writes it.
#[no_mangle]
pub unsafe extern "C" fn rust_add(
    tag: *const u8,
    tag_size: u32,
    _seconds: u32,
    _nanoseconds: u32,
    record: *const u8,
    size: u32,
) -> *const u8 {
    let Ok(Value::Object(mut map)) = serde_json::from_str::<Value>(text(record, size)) else {
        return core::ptr::null();
    };
    map.insert("from".into(), text(tag, tag_size).into());
    give(serde_json::to_string(&map).unwrap_or_default())
}

/// The same and leaks what it made.
#[no_mangle]
pub unsafe extern "C" fn rust_leak(
    tag: *const u8,
    tag_size: u32,
    seconds: u32,
    nanoseconds: u32,
    record: *const u8,
    size: u32,
) -> *const u8 {
    let given = rust_add(tag, tag_size, seconds, nanoseconds, record, size);
    core::mem::forget(core::mem::take(&mut *(&raw mut RETURNED)));
    given
}

#[no_mangle]
pub extern "C" fn rust_crash(_: i32, _: i32, _: i32, _: i32, _: i32, _: i32) -> i32 {
    panic!("as it was told")
}

#[no_mangle]
pub extern "C" fn rust_loop(_: i32, _: i32, _: i32, _: i32, _: i32, _: i32) -> i32 {
    loop {
        core::hint::black_box(());
    }
}
