// SPDX-License-Identifier: MIT
//! hakmem as Rust's global allocator:
//!
//! ```no_run
//! #[global_allocator]
//! static GLOBAL: hakmem::Hakmem = hakmem::Hakmem;
//! fn main() {}
//! ```
//!
//! It links libhakmem-api, so C code in the same program keeps its malloc; with libhakmem.so
//! preloaded both have one heap.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;

/// What hak_malloc aligns to without being asked.
const USUAL_ALIGNMENT: usize = 16;
const HAK_ZERO: i32 = 0x40;

extern "C" {
    fn hak_malloc(size: usize) -> *mut c_void;
    fn hak_calloc(count: usize, size: usize) -> *mut c_void;
    fn hak_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn hak_mallocx(size: usize, flags: i32) -> *mut c_void;
    fn hak_rallocx(block: *mut c_void, size: usize, flags: i32) -> *mut c_void;
    fn hak_free_sized(block: *mut c_void, size: usize);
    fn hak_free_aligned_sized(block: *mut c_void, alignment: usize, size: usize);
    fn hak_purge() -> usize;
    fn hak_stats_read(name: *const u8) -> usize;
}

/// The allocator. It has no state of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hakmem;

/// As HAK_LG_ALIGN.
fn flags_of(layout: Layout) -> i32 {
    layout.align().trailing_zeros() as i32
}

unsafe impl GlobalAlloc for Hakmem {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= USUAL_ALIGNMENT {
            hak_malloc(layout.size()) as *mut u8
        } else {
            hak_mallocx(layout.size(), flags_of(layout)) as *mut u8
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= USUAL_ALIGNMENT {
            hak_calloc(1, layout.size()) as *mut u8
        } else {
            hak_mallocx(layout.size(), flags_of(layout) | HAK_ZERO) as *mut u8
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= USUAL_ALIGNMENT {
            hak_realloc(block as *mut c_void, size) as *mut u8
        } else {
            hak_rallocx(block as *mut c_void, size, flags_of(layout)) as *mut u8
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.align() <= USUAL_ALIGNMENT {
            hak_free_sized(block as *mut c_void, layout.size())
        } else {
            hak_free_aligned_sized(block as *mut c_void, layout.align(), layout.size())
        }
    }
}

/// Gives back to the system what the program does not use. The bytes.
pub fn purge() -> usize {
    unsafe { hak_purge() }
}

/// A counter by name, such as "live.large_bytes"; None: there is none of that name.
pub fn stats_read(name: &str) -> Option<usize> {
    let mut terminated = [0u8; 64];

    if name.len() >= terminated.len() {
        return None;
    }
    terminated[..name.len()].copy_from_slice(name.as_bytes());
    match unsafe { hak_stats_read(terminated.as_ptr()) } {
        usize::MAX => None,
        value => Some(value),
    }
}
