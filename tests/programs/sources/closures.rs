//! Threads that each call a function 50 times, results, and a panic that is caught.
use std::{panic, process, thread};

#[inline(never)]
fn next(n: u64) -> Result<u64, String> {
    if n % 7 == 0 { Err(format!("seventh {n}")) } else { Ok(n * 3 + 1) }
}

fn main() {
    let threads: Vec<_> = (0..4).map(|i| thread::spawn(move || (i..i + 50).filter(|n| next(*n).is_err()).count())).collect();
    let errors: usize = threads.into_iter().map(|handle| handle.join().unwrap()).sum();
    panic::set_hook(Box::new(|_| {}));
    let caught = panic::catch_unwind(|| if errors > 0 { panic!("caught") }).is_err();
    println!("{errors} {caught}");
    process::exit(9)
}
