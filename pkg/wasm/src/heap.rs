//! The heap of one call: [`start`] empties it, so nothing is ever freed and memory stays as large as the largest call
//! made it.
//!
//! It does what a general allocator would, for a call that lasts microseconds, in a tenth of the bytes.

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32::{memory_grow, memory_size};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[global_allocator]
static HEAP: Heap = Heap { used: AtomicUsize::new(0) };

struct Heap {
    /// How many bytes are in use. Atomic because a static has to be; there is one thread.
    used: AtomicUsize,
}

unsafe extern "C" {
    /// Where the linker says that free memory begins.
    static __heap_base: u8;
}

/// Empties the heap. Nothing that an earlier call allocated may be used after this.
pub fn start() {
    HEAP.used.store(0, Relaxed);
}

const PAGE: usize = 65536;

// SAFETY: each block lies behind the one before, inside memory that was grown for it, and is aligned.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = &raw const __heap_base;
        let free = base.wrapping_add(self.used.load(Relaxed));
        let block = free.wrapping_add(free.align_offset(layout.align())).cast_mut();
        let end = block.addr() + layout.size();
        let missing = end.saturating_sub(memory_size(0) * PAGE).div_ceil(PAGE);
        if missing > 0 && memory_grow(0, missing) == usize::MAX {
            return null_mut();
        }
        self.used.store(end - base.addr(), Relaxed);
        block
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
