#pragma once

// Clocks, and the peak that a processor's arithmetic reaches: what the benchmarks share.

#include <cstdint>

namespace cornu::bench {

// Seconds on the wall, of the calling thread, or of all threads of this process together. Time of
// the processor counts less of what else a busy machine does.
enum class Clock { kWall, kThread, kProcess };
double seconds(Clock clock);

// Floating-point operations of so many rounds of fused multiply-adds that do not wait for each
// other, done by the calling thread; 0 where the processor has no such instruction.
double multiply_add(int64_t rounds);

}  // namespace cornu::bench
