#pragma once

#include <string>

namespace podium {

/// As all JSON is written that leaves the program, but timelines: of a value of nlohmann's. Text that is no UTF-8, as a
/// file's name may be, shows as such instead of ending the run.
template <class Json>
std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace podium
