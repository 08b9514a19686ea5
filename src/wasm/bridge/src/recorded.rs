//! An interface of WASI between a component and its implementation: each call passes through, and
//! is written down when there is a tape. The encoding is that of docs/formats/bridge-values.md,
//! because a replay knows values by their WIT types alone.

use crate::tape::{Arguments, Calling, Tape};
use crate::values::put_u32;
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime::Result;

pub struct Recorded<I> {
    pub inner: I,
    pub tape: Option<Arc<Tape>>,
}

impl<I> Recorded<I> {
    /// Ends the record of a call that has an error of its own kind.
    pub fn settle<T: Logged, E>(
        &mut self,
        calling: Option<Calling>,
        result: std::result::Result<T, E>,
    ) -> std::result::Result<T, E>
    where
        Self: Errors<E>,
    {
        let Some(calling) = calling else { return result };
        let error = match result {
            Ok(value) => {
                answered(calling, Some(1), &value);
                return Ok(value);
            }
            Err(error) => error,
        };
        match self.code(error) {
            Ok(code) => {
                answered(calling, Some(0), &code);
                Err(Self::again(code))
            }
            Err(trap) => {
                calling.failed(&trap);
                Err(Self::trap(trap))
            }
        }
    }
}

// The next three are not generic, and not in line: there are two hundred functions that call them.

/// Begins the record of a call, when there is a tape.
#[inline(never)]
pub fn begin(tape: &Option<Arc<Tape>>, name: &str, values: &[&dyn Logged]) -> Option<Calling> {
    let tape = tape.as_ref()?;
    let mut arguments = Arguments::default();
    let mut buffer = Vec::new();
    for value in values {
        buffer.clear();
        value.put(&mut buffer);
        arguments.add(&buffer);
    }
    Some(tape.call(name, arguments))
}

/// `ok`: of a result<T, E>, which of the two.
#[inline(never)]
fn answered(calling: Calling, ok: Option<u8>, value: &dyn Logged) {
    calling.returned(|out| {
        out.extend(ok);
        value.put(out);
    });
}

/// Ends the record of a call that has no error but a trap.
#[inline(never)]
fn ended(calling: Calling, result: std::result::Result<&dyn Logged, &wasmtime::Error>) {
    match result {
        Ok(value) => answered(calling, None, value),
        Err(error) => calling.failed(error),
    }
}

pub fn told<T: Logged>(calling: Option<Calling>, result: Result<T>) -> Result<T> {
    if let Some(calling) = calling {
        ended(calling, result.as_ref().map(|value| value as &dyn Logged));
    }
    result
}

/// From an implementation's errors to the interface's, and back to be turned a second time.
pub trait Errors<E> {
    type Code: Logged;
    fn code(&mut self, error: E) -> Result<Self::Code>;
    fn again(code: Self::Code) -> E;
    fn trap(error: wasmtime::Error) -> E;
}

/// The functions of one interface. `plain` ones fail by traps alone, `waits` are those that wait,
/// `tries` have an error of the interface, `tries_waiting` both.
macro_rules! recorded {
    (impl $host:path, $inner:ty, $interface:literal { $($rest:tt)* }) => {
        impl $host for Recorded<$inner> {
            recorded!(@functions ($host) $interface $($rest)*);
        }
    };
    (@functions ($host:path) $interface:literal) => {};
    (@functions ($host:path) $interface:literal
        plain $name:ident = $wit:literal ($($argument:ident: $ty:ty),*) -> $result:ty;
        $($rest:tt)*) => {
        fn $name(&mut self, $($argument: $ty),*) -> wasmtime::Result<$result> {
            let name = concat!($interface, "#", $wit);
            let calling = crate::recorded::begin(&self.tape, name, &[$(&$argument),*]);
            told(calling, <_ as $host>::$name(&mut self.inner, $($argument),*))
        }
        recorded!(@functions ($host) $interface $($rest)*);
    };
    (@functions ($host:path) $interface:literal
        waits $name:ident = $wit:literal ($($argument:ident: $ty:ty),*) -> $result:ty;
        $($rest:tt)*) => {
        async fn $name(&mut self, $($argument: $ty),*) -> wasmtime::Result<$result> {
            let name = concat!($interface, "#", $wit);
            let calling = crate::recorded::begin(&self.tape, name, &[$(&$argument),*]);
            told(calling, <_ as $host>::$name(&mut self.inner, $($argument),*).await)
        }
        recorded!(@functions ($host) $interface $($rest)*);
    };
    (@functions ($host:path) $interface:literal
        tries $name:ident = $wit:literal ($($argument:ident: $ty:ty),*) -> $result:ty;
        $($rest:tt)*) => {
        fn $name(&mut self, $($argument: $ty),*) -> $result {
            let name = concat!($interface, "#", $wit);
            let calling = crate::recorded::begin(&self.tape, name, &[$(&$argument),*]);
            let result = <_ as $host>::$name(&mut self.inner, $($argument),*);
            self.settle(calling, result)
        }
        recorded!(@functions ($host) $interface $($rest)*);
    };
    (@functions ($host:path) $interface:literal
        tries_waiting $name:ident = $wit:literal ($($argument:ident: $ty:ty),*) -> $result:ty;
        $($rest:tt)*) => {
        async fn $name(&mut self, $($argument: $ty),*) -> $result {
            let name = concat!($interface, "#", $wit);
            let calling = crate::recorded::begin(&self.tape, name, &[$(&$argument),*]);
            let result = <_ as $host>::$name(&mut self.inner, $($argument),*).await;
            self.settle(calling, result)
        }
        recorded!(@functions ($host) $interface $($rest)*);
    };
    // What turns an error into a value is no call of the guest.
    (@functions ($host:path) $interface:literal
        turns $name:ident ($error:ty) -> $code:ty;
        $($rest:tt)*) => {
        fn $name(&mut self, error: $error) -> wasmtime::Result<$code> {
            <_ as $host>::$name(&mut self.inner, error)
        }
        recorded!(@functions ($host) $interface $($rest)*);
    };
}
pub(crate) use recorded;

/// A value in the flat encoding.
pub trait Logged {
    fn put(&self, out: &mut Vec<u8>);

    fn put_all(items: &[Self], out: &mut Vec<u8>)
    where
        Self: Sized,
    {
        items.iter().for_each(|item| item.put(out));
    }
}

impl Logged for () {
    fn put(&self, _: &mut Vec<u8>) {}
}

impl Logged for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Logged for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn put_all(items: &[u8], out: &mut Vec<u8>) {
        out.extend(items);
    }
}

macro_rules! numbers {
    ($($ty:ty)*) => {
        $(impl Logged for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }
        })*
    };
}
numbers! { u16 u32 u64 }

impl Logged for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_u32(out, self.len());
        out.extend(self.as_bytes());
    }
}

impl<T: Logged> Logged for &T {
    fn put(&self, out: &mut Vec<u8>) {
        (*self).put(out);
    }
}

impl<T: Logged> Logged for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_u32(out, self.len());
        T::put_all(self, out);
    }
}

impl<T: Logged> Logged for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        self.iter().for_each(|value| value.put(out));
    }
}

impl<T: Logged, E: Logged> Logged for std::result::Result<T, E> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_ok()));
        match self {
            Ok(value) => value.put(out),
            Err(error) => error.put(out),
        }
    }
}

impl<A: Logged, B: Logged> Logged for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
}

impl<A: Logged, B: Logged, C: Logged> Logged for (A, B, C) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
        self.2.put(out);
    }
}

/// Addresses of networks.
impl Logged for (u8, u8, u8, u8) {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend([self.0, self.1, self.2, self.3]);
    }
}

impl Logged for (u16, u16, u16, u16, u16, u16, u16, u16) {
    fn put(&self, out: &mut Vec<u8>) {
        let words = [self.0, self.1, self.2, self.3, self.4, self.5, self.6, self.7];
        u16::put_all(&words, out);
    }
}

impl<T: 'static> Logged for Resource<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.rep().put(out);
    }
}

/// Types that WIT calls enums; they are numbers already.
macro_rules! enums {
    ($($ty:ty)*) => {
        $(impl Logged for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                put_u32(out, *self as usize);
            }
        })*
    };
}
pub(crate) use enums;

macro_rules! flags {
    ($($ty:ty)*) => {
        $(impl Logged for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                self.as_array().iter().for_each(|word| word.put(out));
            }
        })*
    };
}
pub(crate) use flags;

macro_rules! records {
    ($($ty:ty { $($field:ident)* })*) => {
        $(impl Logged for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }
        })*
    };
}
pub(crate) use records;

/// Cases without and with a value, by their number.
macro_rules! variants {
    ($($ty:ident { $($number:literal $case:ident $(($value:ident))?)* })*) => {
        $(impl Logged for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $($ty::$case $(($value))? => {
                        put_u32(out, $number);
                        $($value.put(out);)?
                    })*
                }
            }
        })*
    };
}
pub(crate) use variants;
