#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/check.h"

namespace podium {

/// The implementations of one kind of thing, by name. An implementation registers itself with a constant at the end of
/// its file, and nobody includes that file:
///
///     const Registry<FabricKind>::Entry entry{"torus", "k-ary n-dimensional torus", build_torus};
///
/// `Kind` names the kind (`Kind::what`, for messages) and the value's type (`Kind::Value`, mostly a function pointer).
/// Tables are filled before main and constant from then on; names come out sorted, whatever the order of linking.
template <class Kind>
class Registry {
 public:
  using Value = typename Kind::Value;

  class Entry {
   public:
    Entry(std::string name, std::string description, Value value) {
      auto& all = items();
      const auto place = std::lower_bound(all.begin(), all.end(), name,
                                          [](const Item& item, const std::string& key) { return item.name < key; });
      PODIUM_CHECK(place == all.end() || place->name != name, "one name, one entry: " + name);
      all.insert(place, Item{std::move(name), std::move(description), value});
    }
  };

  /// The registered names, sorted.
  static std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const Item& item : items()) {
      result.push_back(item.name);
    }
    return result;
  }

  /// Throws InputError with the nearest name where there is none of this name.
  static const Value& find(std::string_view name, const Location& where = {}) { return item(name, where).value; }
  static const std::string& description(std::string_view name) { return item(name, {}).description; }

 private:
  struct Item {
    std::string name;
    std::string description;
    Value value;
  };

  static std::vector<Item>& items() {
    static std::vector<Item> all;
    return all;
  }

  static const Item& item(std::string_view name, const Location& where) {
    for (const Item& candidate : items()) {
      if (candidate.name == name) {
        return candidate;
      }
    }
    const std::vector<std::string> known = names();
    throw InputError(where, unknown_name(Kind::what, name, known));
  }
};

}  // namespace podium
