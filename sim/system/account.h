#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/core/units.h"

namespace podium {

/// Where time went: named parts that sum to the whole. "compute", "memory" and "launch" are what bound the kernels that
/// ran; "host" is host time; "exposed X" is communication X that no compute hid; "bubble" is waiting for other ranks.
class Account {
 public:
  void add(const std::string& part, Seconds time);
  void add(const Account& other, double factor = 1);
  Seconds total() const;
  Seconds part(const std::string& name) const;
  /// In order of first appearance.
  const std::vector<std::pair<std::string, Seconds>>& parts() const& { return parts_; }
  void parts() && = delete;

 private:
  std::vector<std::pair<std::string, Seconds>> parts_;
};

}  // namespace podium
