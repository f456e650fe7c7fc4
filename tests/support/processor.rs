//! The processor's time: other than the clock's, it does not grow while somebody else computes.

use std::time::Duration;

/// What the kernel counts in. It has been a hundredth of a second for programs on every Linux since 2.6,
/// whatever the kernel itself uses.
const TICK: Duration = Duration::from_millis(10);

/// The time that the processor has given to this thread, in ticks.
pub fn used_by_thread() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("Linux");
    // The name, in brackets, may hold blanks. Behind it the 12th and 13th field are the user's and the
    // kernel's time (proc_pid_stat(5)).
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let fields = fields.split_ascii_whitespace().skip(11).take(2);
    let ticks: u32 = fields
        .map(|field| field.parse::<u32>().expect("ticks"))
        .sum();
    TICK * ticks
}
