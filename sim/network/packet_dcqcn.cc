#include "sim/network/packet_dcqcn.h"

#include <algorithm>

namespace podium {

DcqcnRate::DcqcnRate(const DcqcnSettings& settings, BytesPerSecond line, std::int64_t now)
    : line_(line),
      current_(line),
      target_(line),
      next_decay_(now + picoseconds(settings.decay)),
      next_increase_(now + picoseconds(settings.increase_after)) {}

void DcqcnRate::notify(const DcqcnSettings& settings, std::int64_t now) {
  advance(settings, now);
  target_ = current_;
  current_ = std::max(current_ * (1 - alpha_ / 2), settings.least);
  alpha_ = (1 - settings.gain) * alpha_ + settings.gain;
  counted_ = Bytes();
  steps_by_time_ = steps_by_bytes_ = 0;
  next_decay_ = now + picoseconds(settings.decay);
  next_increase_ = now + picoseconds(settings.increase_after);
}

void DcqcnRate::count(const DcqcnSettings& settings, Bytes sent) {
  counted_ += sent;
  if (counted_ >= settings.increase_each) {
    counted_ -= settings.increase_each;
    ++steps_by_bytes_;
    increase(settings);
  }
}

void DcqcnRate::set_line(BytesPerSecond line) {
  if (line_ > BytesPerSecond(0) && line != line_) {
    current_ = current_ * (line / line_);
    target_ = target_ * (line / line_);
    line_ = line;
  }
}

BytesPerSecond DcqcnRate::at(const DcqcnSettings& settings, std::int64_t now) {
  advance(settings, now);
  return current_;
}

void DcqcnRate::advance(const DcqcnSettings& settings, std::int64_t now) {
  for (; next_decay_ <= now; next_decay_ += picoseconds(settings.decay)) {
    alpha_ *= 1 - settings.gain;
  }
  for (; next_increase_ <= now; next_increase_ += picoseconds(settings.increase_after)) {
    ++steps_by_time_;
    increase(settings);
  }
}

void DcqcnRate::increase(const DcqcnSettings& settings) {
  if (std::min(steps_by_time_, steps_by_bytes_) > settings.fast_recovery) {
    target_ += settings.hyper * line_;
  } else if (std::max(steps_by_time_, steps_by_bytes_) > settings.fast_recovery) {
    target_ += settings.additive * line_;
  }
  target_ = std::min(target_, line_);
  current_ = (current_ + target_) / 2;
}

}  // namespace podium
