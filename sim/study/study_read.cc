#include "sim/study/study_read.h"

#include <algorithm>
#include <filesystem>

namespace podium {

std::vector<Node> some(const Node& list) {
  std::vector<Node> items = list.items();
  if (items.empty()) {
    list.fail("the list is empty");
  }
  return items;
}

std::uint32_t positive(const Node& node) {
  const std::int64_t value = node.count();
  if (value < 1 || value > 1'000'000) {
    node.fail("'" + node.text() + "' is not a whole number from 1 to 1,000,000");
  }
  return static_cast<std::uint32_t>(value);
}

Seconds positive_time(const Node& node) {
  const Seconds value = node.quantity<Seconds>();
  if (value <= Seconds()) {
    node.fail("'" + node.text() + "' is no time: more than zero is expected");
  }
  return value;
}

std::string known_file(std::string_view folder, const Node& node) {
  std::string name = node.text();
  find_file(folder, name, node.where());
  return name;
}

void insist_on_new(std::vector<std::string>& seen, const std::string& name, const Node& node) {
  if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
    node.fail("'" + name + "' is there twice");
  }
  seen.push_back(name);
}

std::string beside(const Node& node) {
  return (std::filesystem::path(node.where().file).parent_path() / node.text()).string();
}

}  // namespace podium
