#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace podium {

/// A line on stderr that shows how far long work is and how long it still takes; silent where stderr is no terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  void update(std::size_t done, std::size_t of);
  void finish();

 private:
  std::string title_;
  bool shown_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace podium
