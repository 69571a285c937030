#pragma once

namespace podium {

/// Has the C library take memory in large pages. To call first in `main`: glibc looks at this as a process begins
/// (GLIBC_TUNABLES), so that the program begins once more, with `argv` again. Nothing happens where the user has set
/// tunables of their own, or where it cannot be.
///
/// Why: what is simulated touches gigabytes once. On a virtual machine a page fault took 7 us, and four in five of the
/// seconds of reading a trace or sending 589,056 transfers were faults (docs/PERFORMANCE.md).
void begin_with_large_pages(char** argv);

}  // namespace podium
