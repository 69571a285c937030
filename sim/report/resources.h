#pragma once

#include <string_view>

namespace podium {

/// The texts that an HTML report is made of, put into the program when the build is configured (resources.cmake).
std::string_view page_text();    ///< page.html.in: the frame, with {{names}} for what goes into it
std::string_view style_text();   ///< style.css
std::string_view pieces_text();  ///< pieces.js: what the charts have in common
std::string_view charts_text();  ///< charts.js: draws the page's charts from the result that lies in it as JSON

}  // namespace podium
