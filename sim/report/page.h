#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/report/table.h"
#include "sim/study/result.h"

namespace podium {

/// Parts of an HTML page. What they are given is text and gets escaped, but for what is said to be HTML.
struct Html {
  std::string text;  ///< HTML
};

Html operator+(Html, const Html&);
Html& operator+=(Html&, const Html&);

/// Text for people: escaped, with the signs that plain text lacks ("us" after a number is a micro sign and s, "<=" …).
Html prose(std::string_view text);
/// <name class="…">inner</name>; no class where it is empty.
Html element(std::string_view name, std::string_view css_class, const Html& inner);
Html paragraph(std::string_view text, std::string_view css_class = "");
Html bullets(const std::vector<std::string>& items);
/// A heading that the bar at the top can lead to.
Html heading(std::string_view id, std::string_view text);
/// What is shown when its summary is clicked.
Html folded(std::string_view summary, const Html& inner);
Html table(const TextTable&);
/// A place that charts.js draws a chart into: its kind and what it is of.
Html chart(std::string_view kind, std::initializer_list<std::pair<std::string_view, std::string_view>> of);

/// A system's name with its colour: one colour a system on the whole page.
Html system_name(const std::vector<SystemSummary>&, const std::string& system);
/// "--colour:var(--system-0)", to be put into a style attribute.
std::string colour_of(const std::vector<SystemSummary>&, const std::string& system);

/// What every report ends with.
Html assumptions_section(const std::vector<std::string>&);
Html sources_section(const std::vector<SourceUse>&);
Html reproduction_section(const std::string& command, std::uint64_t signature);

/// Which section is called what in the bar at the top.
using Places = std::vector<std::pair<std::string, std::string>>;

/// The whole page: the frame, the bar of systems and places, `body`, and the result as JSON with the scripts that draw.
std::string page(const std::string& title, const std::string& question, const std::string& kind,
                 const std::vector<SystemSummary>&, const Places&, const Html& body, const std::string& json);

}  // namespace podium
