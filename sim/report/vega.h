#pragma once

#include <string_view>

namespace podium {

/// The charting library Vega as one script, to be put between <script> and </script> as it is. It defines the global
/// `vega` with everything that charts need (`new vega.View(vega.parse(spec), {...}).runAsync()`), and fetches nothing.
/// The text is put together when the build is configured (vega.cmake), from Debian's package libjs-vega.
std::string_view vega_script();

}  // namespace podium
