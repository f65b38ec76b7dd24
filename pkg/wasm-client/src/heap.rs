//! The heap of sessions that live across calls: blocks are powers of two, and a freed one is the next of its size.
//!
//! It wastes up to half of a block and gives nothing back to the host, in a fifth of the bytes of a general allocator.

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32::{memory_grow, memory_size};
use std::cell::Cell;
use std::ptr::null_mut;

#[global_allocator]
static HEAP: Heap = Heap { used: Cell::new(0), free: [const { Cell::new(null_mut()) }; 32] };

struct Heap {
    /// How many bytes behind the program's own are in blocks.
    used: Cell<usize>,
    /// For each power of two, the first free block, which holds the address of the next.
    free: [Cell<*mut u8>; 32],
}

// SAFETY: the module has one thread.
unsafe impl Sync for Heap {}

unsafe extern "C" {
    /// Where the linker says that free memory begins.
    static __heap_base: u8;
}

const PAGE: usize = 65536;
/// The smallest block is of 2^4 bytes, which is as much as anything here has to be aligned to.
const SMALLEST: u32 = 4;

// SAFETY: a block is taken from behind all others or was freed, so nobody else has it; it is as large as asked for.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let power = power(layout.size());
        let Some(free) = self.free.get(power as usize) else { return null_mut() };
        let block = free.get();
        if !block.is_null() {
            // SAFETY: `dealloc` wrote the address there.
            free.set(unsafe { block.cast::<*mut u8>().read() });
            return block;
        }
        let base = (&raw const __heap_base).addr().next_multiple_of(1 << SMALLEST);
        let start = base + self.used.get();
        let end = start + (1 << power);
        let missing = end.saturating_sub(memory_size(0) * PAGE).div_ceil(PAGE);
        if missing > 0 && memory_grow(0, missing) == usize::MAX {
            return null_mut();
        }
        self.used.set(end - base);
        start as *mut u8
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(free) = self.free.get(power(layout.size()) as usize) {
            // SAFETY: a block has room for an address, and is no longer in use.
            unsafe { block.cast::<*mut u8>().write(free.get()) };
            free.set(block);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if power(size) == power(layout.size()) {
            return block;
        }
        // SAFETY: as the caller promised; the sizes are those of the two blocks.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// The power of two of a block for so many bytes.
fn power(size: usize) -> u32 {
    (usize::BITS - size.saturating_sub(1).leading_zeros()).max(SMALLEST)
}
