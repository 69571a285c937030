#include "sim/system/account.h"

namespace podium {

void Account::add(const std::string& part, Seconds time) {
  for (auto& [name, sum] : parts_) {
    if (name == part) {
      sum += time;
      return;
    }
  }
  parts_.emplace_back(part, time);
}

void Account::add(const Account& other, double factor) {
  for (const auto& [name, time] : other.parts_) {
    add(name, time * factor);
  }
}

Seconds Account::total() const {
  Seconds sum;
  for (const auto& [name, time] : parts_) {
    sum += time;
  }
  return sum;
}

Seconds Account::part(const std::string& name) const {
  for (const auto& [known, time] : parts_) {
    if (known == name) {
      return time;
    }
  }
  return {};
}

}  // namespace podium
