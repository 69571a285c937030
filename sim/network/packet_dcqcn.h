#pragma once

#include <cstdint>

#include "sim/network/packet_settings.h"

namespace podium {

/// The rate of one sender under DCQCN (Zhu et al., SIGCOMM 2015, section 3 and figure 7). Timers are looked at when the
/// rate is asked for, so that they cost no events. Times are in picoseconds.
class DcqcnRate {
 public:
  DcqcnRate() = default;
  DcqcnRate(const DcqcnSettings& settings, BytesPerSecond line, std::int64_t now);

  /// A congestion notification has come.
  void notify(const DcqcnSettings& settings, std::int64_t now);
  /// So many bytes were sent.
  void count(const DcqcnSettings& settings, Bytes sent);
  /// The line has another rate: what the sender may have goes with it.
  void set_line(BytesPerSecond line);
  BytesPerSecond at(const DcqcnSettings& settings, std::int64_t now);
  double alpha() const { return alpha_; }

 private:
  void advance(const DcqcnSettings& settings, std::int64_t now);
  void increase(const DcqcnSettings& settings);

  BytesPerSecond line_;
  BytesPerSecond current_;
  BytesPerSecond target_;
  double alpha_ = 1;
  Bytes counted_;
  int steps_by_time_ = 0;
  int steps_by_bytes_ = 0;
  std::int64_t next_decay_ = 0;
  std::int64_t next_increase_ = 0;
};

}  // namespace podium
