#include "sim/report/page.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "sim/report/format.h"
#include "sim/report/resources.h"
#include "sim/report/vega.h"
#include "sim/report/verdict.h"

namespace podium {
namespace {

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// Fills the {{names}} of a text; what is filled in is not looked at again.
std::string filled(std::string_view text, const std::map<std::string_view, std::string_view>& values) {
  std::string result;
  while (true) {
    const std::size_t begin = text.find("{{");
    result += text.substr(0, begin);
    if (begin == std::string_view::npos) {
      return result;
    }
    const std::size_t end = text.find("}}", begin);
    result += values.at(text.substr(begin + 2, end - begin - 2));
    text.remove_prefix(end + 2);
  }
}

/// JSON that cannot end the script element which it stands in: '<' is only ever within a string.
std::string in_script(std::string json) {
  replace_all(json, "<", "\\u003c");
  return json;
}

Html navigation(const std::vector<SystemSummary>& systems, const Places& places) {
  Html names, links;
  for (const SystemSummary& system : systems) {
    names += system_name(systems, system.name);
  }
  for (const auto& [id, text] : places) {
    links += Html{"<a href=\"#" + id + "\">" + prose(text).text + "</a>"};
  }
  return element("nav", "", element("div", "", names) + element("div", "places", links));
}

}  // namespace

Html operator+(Html a, const Html& b) {
  a.text += b.text;
  return a;
}

Html& operator+=(Html& a, const Html& b) {
  a.text += b.text;
  return a;
}

Html prose(std::string_view text) {
  std::string result = escape_html(text);
  replace_all(result, "&lt;=", "≤");
  replace_all(result, "&gt;=", "≥");
  // "10 us", but not "us" alone
  for (std::size_t at = result.find(" us"); at != std::string::npos; at = result.find(" us", at + 3)) {
    const bool number = at > 0 && std::isdigit(static_cast<unsigned char>(result[at - 1])) != 0;
    const bool word = at + 3 < result.size() && std::isalnum(static_cast<unsigned char>(result[at + 3])) != 0;
    if (number && !word) {
      result.replace(at + 1, 1, "µ");
    }
  }
  return {result};
}

Html element(std::string_view name, std::string_view css_class, const Html& inner) {
  std::string tag(name);
  if (!css_class.empty()) {
    tag += " class=\"" + escape_html(css_class) + "\"";
  }
  const bool within_text = name == "b" || name == "span" || name == "code";
  return {"<" + tag + ">" + inner.text + "</" + std::string(name) + (within_text ? ">" : ">\n")};
}

Html paragraph(std::string_view text, std::string_view css_class) { return element("p", css_class, prose(text)); }

Html bullets(const std::vector<std::string>& items) {
  Html list;
  for (const std::string& item : items) {
    list += element("li", "", prose(item));
  }
  return element("ul", "", list);
}

Html heading(std::string_view id, std::string_view text) {
  return {"<h2 id=\"" + escape_html(id) + "\">" + prose(text).text + "</h2>\n"};
}

Html folded(std::string_view summary, const Html& inner) {
  return element("details", "", element("summary", "", prose(summary)) + inner);
}

Html table(const TextTable& table) {
  const auto cells = [&](const char* name, const auto& text_of) {
    Html row;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      row += element(name, table.columns[i].align == Align::right ? "number" : "", prose(text_of(i)));
    }
    return row;
  };
  Html rows;
  for (const std::vector<std::string>& row : table.rows) {
    rows += element("tr", "", cells("td", [&](std::size_t i) { return i < row.size() ? row[i] : std::string(); }));
  }
  const Html titles = element("tr", "", cells("th", [&](std::size_t i) { return table.columns[i].title; }));
  return element("div", "scroll", element("table", "", element("thead", "", titles) + element("tbody", "", rows)));
}

Html chart(std::string_view kind, std::initializer_list<std::pair<std::string_view, std::string_view>> of) {
  std::string tag = "<figure data-chart=\"" + escape_html(kind) + "\"";
  for (const auto& [name, value] : of) {
    tag += " data-" + std::string(name) + "=\"" + escape_html(value) + "\"";
  }
  return {tag + "></figure>\n"};
}

std::string colour_of(const std::vector<SystemSummary>& systems, const std::string& system) {
  constexpr std::size_t colours = 12;  // as many as style.css has
  const auto found = std::find_if(systems.begin(), systems.end(), [&](const auto& s) { return s.name == system; });
  return "--colour:var(--system-" + std::to_string(static_cast<std::size_t>(found - systems.begin()) % colours) + ")";
}

Html system_name(const std::vector<SystemSummary>& systems, const std::string& system) {
  return {"<span class=\"system\"><span class=\"swatch\" style=\"" + colour_of(systems, system) + "\"></span>" +
          prose(display_name(systems, system)).text + "</span>\n"};
}

Html assumptions_section(const std::vector<std::string>& assumptions) {
  return heading("assumptions", "Assumptions") +
         paragraph("What the model takes for granted. A result is as good as these.", "note") + bullets(assumptions);
}

Html sources_section(const std::vector<SourceUse>& sources) {
  const std::array grades{Grade::measured, Grade::claimed, Grade::derived, Grade::estimated, Grade::assumed};
  const auto tag = [](Grade grade) {
    return Html{"<span class=\"tag " + std::string(to_string(grade)) + "\">" + std::string(to_string(grade)) +
                "</span> "};
  };
  Html counts;
  for (const Grade grade : grades) {
    const auto of_grade =
        std::count_if(sources.begin(), sources.end(), [&](const SourceUse& use) { return use.figure.grade == grade; });
    if (of_grade > 0) {
      counts += tag(grade) + Html{count(static_cast<double>(of_grade)) + " &nbsp; "};
    }
  }
  Html rows;
  for (const SourceUse& use : sources) {
    const Figure& figure = use.figure;
    const std::string range = figure.low.empty() ? "" : figure.low + " to " + figure.high;
    rows += element("tr", "",
                    element("td", "", prose(use.file)) + element("td", "", prose(figure.path)) +
                        element("td", "number", prose(figure.value)) + element("td", "", prose(range)) +
                        element("td", "", tag(figure.grade)) + element("td", "", prose(figure.source)));
  }
  Html titles;
  for (const char* title : {"File", "Figure", "Value", "Range", "Grade", "Source"}) {
    titles += element("th", std::string_view(title) == "Value" ? "number" : "", prose(title));
  }
  const Html all = element("table", "", element("thead", "", element("tr", "", titles)) + element("tbody", "", rows));
  return heading("sources", "Sources") +
         paragraph(
             "Every figure that went in, by how far it can be trusted. A figure that rests on several sources has "
             "the grade of the weakest.",
             "note") +
         element("p", "", counts) +
         folded("All " + count(static_cast<double>(sources.size())) + " figures", element("div", "scroll", all));
}

Html reproduction_section(const std::string& command, std::uint64_t signature) {
  Html text = heading("again", "How to make this again");
  if (!command.empty()) {
    text += element("p", "", element("code", "", prose(command)));
  }
  return text + element("p", "note",
                        prose("Signature ") + element("code", "", prose(hexadecimal(signature))) +
                            prose(": equal inputs give it again, on any machine and with any number of threads."));
}

std::string page(const std::string& title, const std::string& question, const std::string& kind,
                 const std::vector<SystemSummary>& systems, const Places& places, const Html& body,
                 const std::string& json) {
  const Html top = element("header", "",
                           paragraph(kind, "kind") + element("h1", "", prose(title)) + paragraph(question, "question"));
  const std::string safe_title = escape_html(title);
  const std::string whole = (top + navigation(systems, places) + element("main", "", body)).text;
  const std::string data = in_script(json);
  return filled(page_text(), {{"title", safe_title},
                              {"style", style_text()},
                              {"body", whole},
                              {"result", data},
                              {"vega", vega_script()},
                              {"pieces", pieces_text()},
                              {"charts", charts_text()}});
}

}  // namespace podium
