// SPDX-License-Identifier: MIT
//! A Rust program whose global allocator is hakmem: what it allocates is counted there, whatever its
//! alignment, and threads may pass blocks on.
use std::alloc::{alloc, alloc_zeroed, dealloc, realloc, Layout};
use std::sync::Mutex;
use std::thread;

#[global_allocator]
static GLOBAL: hakmem::Hakmem = hakmem::Hakmem;

/// The counters are the process's, so one test counts at a time.
static COUNTING: Mutex<()> = Mutex::new(());

fn live() -> usize {
    hakmem::stats_read("live.large_bytes").unwrap()
}

#[test]
fn vectors_are_counted() {
    let _one = COUNTING.lock().unwrap();
    let before = live();
    let numbers: Vec<u64> = (0..10_000_000).collect();

    assert!(live() >= before + 80_000_000);
    assert_eq!(numbers.iter().sum::<u64>(), 49_999_995_000_000);
    drop(numbers);
    assert!(live() < before + 80_000_000);
    assert_eq!(hakmem::stats_read("no.such_name"), None);
}

#[test]
fn alignments_are_kept() {
    let _one = COUNTING.lock().unwrap();

    for shift in 0..17 {
        for &size in &[1usize, 100, 5000, 70000] {
            let layout = Layout::from_size_align(size, 1 << shift).unwrap();
            unsafe {
                let block = alloc(layout);
                assert_eq!(block as usize % layout.align(), 0);
                block.write_bytes(7, size);
                let grown = realloc(block, layout, size * 3);
                assert_eq!(grown as usize % layout.align(), 0);
                assert!((0..size).all(|i| *grown.add(i) == 7));
                dealloc(grown, Layout::from_size_align(size * 3, 1 << shift).unwrap());
                let zeroed = alloc_zeroed(layout);
                assert!((0..size).all(|i| *zeroed.add(i) == 0));
                dealloc(zeroed, layout);
            }
        }
    }
}

#[test]
fn threads_pass_blocks_on() {
    let _one = COUNTING.lock().unwrap();
    let words: Vec<Vec<String>> = (0..4)
        .map(|n| thread::spawn(move || (0..10_000).map(|i| format!("{} {}", n, i)).collect()))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|made| made.join().unwrap())
        .collect();

    assert_eq!(words[3][9_999], "3 9999");
    drop(words);
    hakmem::purge();
}
