#include "sim/cli/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace podium {

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)), shown_(isatty(STDERR_FILENO) != 0), begin_(std::chrono::steady_clock::now()) {}

void ProgressBar::update(std::size_t done, std::size_t of) {
  if (!shown_ || of == 0) {
    return;
  }
  constexpr std::size_t width = 30;
  const std::size_t filled = width * done / of;
  std::fprintf(stderr, "\r%s [%s%s] %zu/%zu", title_.c_str(), std::string(filled, '#').c_str(),
               std::string(width - filled, ' ').c_str(), done, of);
  if (done > 0) {
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    const double left = elapsed / static_cast<double>(done) * static_cast<double>(of - done);
    std::fprintf(stderr, ", %.0f s left", std::ceil(left));
  }
  std::fprintf(stderr, " \033[K");
  std::fflush(stderr);
}

void ProgressBar::finish() {
  if (shown_) {
    std::fprintf(stderr, "\r\033[K");
    std::fflush(stderr);
  }
}

}  // namespace podium
