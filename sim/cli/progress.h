#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace podium {

/// A line on stderr that shows how far long work is and how long it still takes; silent where stderr is no terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar() { finish(); }  // so that what stopped the work is told on a line of its own
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(std::size_t done, std::size_t of);
  /// Takes the line away.
  void finish();

 private:
  std::string title_;
  bool shown_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace podium
