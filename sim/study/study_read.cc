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

std::uint32_t positive(const Node& node) { return node.positive_count("a whole number from 1 to 1,000,000"); }

std::vector<std::uint32_t> distinct_counts(const Node& node) {
  std::vector<std::uint32_t> values;
  std::vector<std::string> seen;
  for (const Node& item : some(node)) {
    values.push_back(positive(item));
    insist_on_new(seen, std::to_string(values.back()), item);
  }
  return values;
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
