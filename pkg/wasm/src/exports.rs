//! The functions that JavaScript calls.
#![expect(unsafe_code, reason = "the attribute that exports a function is unsafe; nothing else here is")]

use std::cell::RefCell;

use crate::packed::Reader;
use crate::service;

#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

thread_local! {
    /// The packed fields of a call. The buffer never shrinks.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Returns the address of a buffer of at least `length` bytes for the packed fields of the next call.
#[unsafe(no_mangle)]
extern "C" fn input(length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        if input.len() < length {
            input.resize(length, 0);
        }
        input.as_mut_ptr()
    })
}

/// Runs a function of [`service`] and returns the address of its answer.
///
/// JavaScript wrote `length` bytes to the buffer: the UTF-8 of a text of `units` UTF-16 code units.
#[unsafe(no_mangle)]
extern "C" fn call(function: u32, length: usize, units: usize) -> *const u8 {
    ANSWER.with_borrow_mut(|answer| {
        // The last answer is freed first, so that the memory is not larger than one call needs.
        *answer = Vec::new();
        *answer = INPUT.with_borrow(|input| {
            let packed = input.get(..length).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default();
            service::answer(function, Reader::new(packed, length == units))
        });
        answer.as_ptr()
    })
}

/// Returns the length of the last answer in bytes.
#[unsafe(no_mangle)]
extern "C" fn length() -> usize {
    ANSWER.with_borrow(Vec::len)
}
